import { ROLES, type Role } from '../core/role.ts';

/** Whether `role` may do what asks for `wanted`. */
export function includes(role: Role, wanted: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(wanted);
}

/** The lesser of two: what somebody may do through what another one gave. */
export function lesser(a: Role, b: Role): Role {
  return includes(a, b) ? b : a;
}
