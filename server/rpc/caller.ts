/** Who is at the other end of the socket, as the kernel says. */
export interface Caller {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Who may use the socket. */
export interface SocketAccess {
  /** User of the daemon. */
  readonly uid: number;
  /** Group of the socket file. */
  readonly gid: number;
  /** Groups of a user besides the one it came with. */
  readonly groupsOf: (uid: number) => readonly number[];
  /** User of the web front; undefined when there is none. */
  readonly webUid?: number | undefined;
}

/** The web's user never has rights of its own, whatever it says and whichever group it is in. */
export function isFrontByUser(caller: Caller, webUid: number | undefined): boolean {
  return webUid !== undefined && webUid !== 0 && caller.uid === webUid;
}

/** Root, the daemon's own user, the web's and members of the socket's group get in. */
export function mayConnect(caller: Caller, access: SocketAccess): boolean {
  if (caller.uid === 0 || caller.uid === access.uid || isFrontByUser(caller, access.webUid)) return true;
  return caller.gid === access.gid || access.groupsOf(caller.uid).includes(access.gid);
}
