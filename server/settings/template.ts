import { CONFIG_VERSION } from './schema.ts';

/** What `quicether init` was told. */
export interface TemplateChoices {
  readonly name?: string | undefined;
  readonly role?: string | undefined;
  readonly bootstrapMode?: boolean | undefined;
  readonly stateDir?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** A small configuration file whose comments show the next steps; valid as it is. */
export function writeTemplate({ name, role, bootstrapMode, stateDir, keyFile }: TemplateChoices): string {
  return `# QuicEther on this box. All keys: docs/configuration.md.
# Check it with: quicether config validate
version = ${CONFIG_VERSION}

[node]
${name === undefined ? '# name = "york"          # for people; the host name when unset' : `name = ${quoted(name)}`}
role = ${quoted(role ?? 'standard')}
${line('state_dir', stateDir)}${line('key_file', keyFile)}
[network]
# What lies behind this box and peers may reach:
# advertise_subnets = ["192.168.1.0/24"]

[discovery]
bootstrap_mode = ${bootstrapMode === true}
# To be found by boxes that this one does not know yet (they wait until you accept them):
# listen = ["0.0.0.0:9000"]

# A box to connect with, as often as needed. Its NodeId is what "quicether keygen" or
# "quicether status" print there.
# [[peers]]
# name = "bradford"
# node_id = "qe1..."
# address = "vpn.example.com:9000"
# prefixes = ["192.168.2.0/24"]
`;
}

function line(key: string, value: string | undefined): string {
  return value === undefined ? '' : `${key} = ${quoted(value)}\n`;
}

function quoted(text: string): string {
  return JSON.stringify(text).replaceAll('\x7f', '\\u007f');
}
