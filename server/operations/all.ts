import { acceptPeer } from './accept-peer.ts';
import { addPeer } from './add-peer.ts';
import { addToken } from './add-token.ts';
import { addUser } from './add-user.ts';
import { beginSecondFactor } from './begin-second-factor.ts';
import { beginUpdate } from './begin-update.ts';
import { changePassword } from './change-password.ts';
import { claim } from './claim.ts';
import { confirmSecondFactor } from './confirm-second-factor.ts';
import { confirmTrial } from './confirm-trial.ts';
import { dropSecondFactor } from './drop-second-factor.ts';
import { endSession } from './end-session.ts';
import { exportAudit } from './export-audit.ts';
import { factoryReset } from './factory-reset.ts';
import { getAudit } from './get-audit.ts';
import { getClaimCode } from './get-claim-code.ts';
import { getClaimState } from './get-claim-state.ts';
import { getConfig } from './get-config.ts';
import { getDiagnostics } from './get-diagnostics.ts';
import { getHistory } from './get-history.ts';
import { getLines } from './get-lines.ts';
import { getLogs } from './get-logs.ts';
import { getMe } from './get-me.ts';
import { getOffice } from './get-office.ts';
import { getOffices } from './get-offices.ts';
import { getPeers } from './get-peers.ts';
import { getRoutes } from './get-routes.ts';
import { getSessions } from './get-sessions.ts';
import { getStatus } from './get-status.ts';
import { getSystem } from './get-system.ts';
import { getTokens } from './get-tokens.ts';
import { getTrial } from './get-trial.ts';
import { getUsers } from './get-users.ts';
import { installUpdate } from './install-update.ts';
import { pingPeer } from './ping-peer.ts';
import { provePassword } from './prove-password.ts';
import { reboot } from './reboot.ts';
import { removePeer } from './remove-peer.ts';
import { removeToken } from './remove-token.ts';
import { removeUser } from './remove-user.ts';
import { resetPassword } from './reset-password.ts';
import { restartDaemon } from './restart-daemon.ts';
import { revertTrial } from './revert-trial.ts';
import { sendUpdate } from './send-update.ts';
import { setSsh } from './set-ssh.ts';
import { setUserRole } from './set-user-role.ts';
import { shutDown } from './shut-down.ts';
import { signIn } from './sign-in.ts';
import { signInCode } from './sign-in-code.ts';
import { signOut } from './sign-out.ts';
import { tryListen } from './try-listen.ts';
import { verifyAudit } from './verify-audit.ts';

/** Everything an administrator can do; every surface is made from this list. */
export const OPERATIONS = [
  getStatus,
  getPeers,
  addPeer,
  acceptPeer,
  removePeer,
  pingPeer,
  getRoutes,
  getOffices,
  getOffice,
  getLines,
  getHistory,
  tryListen,
  getTrial,
  confirmTrial,
  revertTrial,
  getAudit,
  verifyAudit,
  exportAudit,
  getLogs,
  getConfig,
  getDiagnostics,
  getClaimState,
  getClaimCode,
  claim,
  signIn,
  signInCode,
  signOut,
  getMe,
  provePassword,
  changePassword,
  beginSecondFactor,
  confirmSecondFactor,
  dropSecondFactor,
  getUsers,
  addUser,
  setUserRole,
  removeUser,
  resetPassword,
  getSessions,
  endSession,
  getTokens,
  addToken,
  removeToken,
  getSystem,
  beginUpdate,
  sendUpdate,
  installUpdate,
  reboot,
  factoryReset,
  setSsh,
  restartDaemon,
  shutDown,
] as const;
