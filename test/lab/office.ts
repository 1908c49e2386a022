import { Box } from './box.ts';
import type { Host } from './host.ts';
import type { Line, LineChoice } from './line.ts';
import type { World } from './world.ts';

export interface OfficeOptions {
  /** How the office reaches the internet. */
  readonly line?: LineChoice;
  /** Puts a NAT router of somebody else between box and line. */
  readonly isBehindNat?: boolean;
  /** Gives the box a LAN with one computer on it. */
  readonly hasLan?: boolean;
}

/** A box with its line to the internet, perhaps behind a NAT router, perhaps with a LAN. */
export interface Office {
  readonly name: string;
  readonly box: Box;
  /** Missing on a plain cable. */
  readonly line: Line | undefined;
  readonly nat: Host | undefined;
  readonly lan: Lan | undefined;
  /** Where the internet finds it: the box itself or its NAT router. */
  readonly ipv4: string;
  readonly ipv6: string;
  /** Router of the internet that the line leads to. */
  readonly gatewayIpv4: string;
  readonly gatewayIpv6: string;
}

export interface Lan {
  readonly computer: Host;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly prefixes: readonly string[];
}

/** Host that forwards between all offices; nothing is slow or lost in it. */
export class Internet {
  readonly host: Host;
  readonly #world: World;
  #offices = 0;

  private constructor(world: World, host: Host) {
    this.#world = world;
    this.host = host;
  }

  static async create(world: World): Promise<Internet> {
    const host = await world.host('internet');
    await host.forward();
    return new Internet(world, host);
  }

  /** Builds an office; its box is there but not started. */
  async office(name: string, options: OfficeOptions = {}): Promise<Office> {
    const number = ++this.#offices;
    const host = await this.#world.host(name);
    const nat = options.isBehindNat ? await this.#world.host(`${name}-nat`) : undefined;
    const outside = { host: nat ?? host, ifName: nat ? 'out0' : 'wan0' };
    const line = await this.#world.connect(outside, { host: this.host, ifName: `to-${name}` }, options.line);
    const wan = {
      ipv4: `198.18.${number}.2`,
      ipv6: `2001:db8:${number}::2`,
      gatewayIpv4: `198.18.${number}.1`,
      gatewayIpv6: `2001:db8:${number}::1`,
    };
    await this.host.ip(
      `addr add ${wan.gatewayIpv4}/24 dev to-${name}`,
      `addr add ${wan.gatewayIpv6}/64 dev to-${name} nodad`,
    );
    await outside.host.ip(
      `addr add ${wan.ipv4}/24 dev ${outside.ifName}`,
      `addr add ${wan.ipv6}/64 dev ${outside.ifName} nodad`,
      `route add default via ${wan.gatewayIpv4}`,
      `route add ::/0 via ${wan.gatewayIpv6}`,
    );
    if (nat) await this.#translate(nat, host);
    const lan = options.hasLan ? await this.#lan(host, number) : undefined;
    return { name, box: new Box(host, this.#world.options.sabotage), line, nat, lan, ...wan };
  }

  /** A host on the internet that is no office: a stranger, an attacker, a server. */
  async outsider(name: string): Promise<{ host: Host; ipv4: string; ipv6: string }> {
    const { box, ipv4, ipv6 } = await this.office(name);
    return { host: box.host, ipv4, ipv6 };
  }

  async #translate(nat: Host, inside: Host): Promise<void> {
    await this.#world.connect({ host: nat, ifName: 'in0' }, { host: inside, ifName: 'wan0' });
    await nat.ip('addr add 192.168.250.1/24 dev in0');
    await inside.ip('addr add 192.168.250.2/24 dev wan0', 'route add default via 192.168.250.1');
    await nat.forward();
    await nat.nft(`table ip nat {
      chain postrouting {
        type nat hook postrouting priority srcnat; policy accept;
        oifname "out0" masquerade random
      }
    }`);
  }

  async #lan(host: Host, number: number): Promise<Lan> {
    const computer = await this.#world.host(`${host.name}-pc`);
    await this.#world.connect({ host, ifName: 'lan0' }, { host: computer, ifName: 'eth0' });
    const ipv4 = `192.168.${number}`;
    const ipv6 = `fd77:0:0:${number}`;
    await host.ip(`addr add ${ipv4}.1/24 dev lan0`, `addr add ${ipv6}::1/64 dev lan0 nodad`);
    await computer.ip(
      `addr add ${ipv4}.20/24 dev eth0`,
      `addr add ${ipv6}::20/64 dev eth0 nodad`,
      `route add default via ${ipv4}.1`,
      `route add ::/0 via ${ipv6}::1`,
    );
    return { computer, ipv4: `${ipv4}.20`, ipv6: `${ipv6}::20`, prefixes: [`${ipv4}.0/24`, `${ipv6}::/64`] };
  }
}

/**
 * Gives the office another address on its line, as a new lease or another network would.
 *
 * With a NAT router it is the router that moves, so that the box itself notices nothing: the
 * kernel forgets every translation of an address that goes away.
 */
export async function moveOffice(office: Office, lastByte: number): Promise<void> {
  const host = office.nat ?? office.box.host;
  const ifName = office.nat ? 'out0' : 'wan0';
  const network = office.ipv4.replace(/\d+$/, '');
  await host.run(['ip', '-4', 'addr', 'flush', 'dev', ifName, 'scope', 'global']);
  await host.ip(`addr add ${network}${lastByte}/24 dev ${ifName}`, `route replace default via ${office.gatewayIpv4}`);
}
