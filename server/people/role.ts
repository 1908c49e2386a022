/** Rising rights; a role may do what the ones before it may. */
export const ROLES = ['viewer', 'operator', 'admin', 'owner'] as const;
export type Role = (typeof ROLES)[number];

/** Whether `role` may do what asks for `wanted`. */
export function includes(role: Role, wanted: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(wanted);
}

/** The lesser of two: what somebody may do through what another one gave. */
export function lesser(a: Role, b: Role): Role {
  return includes(a, b) ? b : a;
}
