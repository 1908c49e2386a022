import { acceptPeer } from './accept-peer.ts';
import { exportAudit } from './export-audit.ts';
import { getAudit } from './get-audit.ts';
import { getConfig } from './get-config.ts';
import { getDiagnostics } from './get-diagnostics.ts';
import { getLines } from './get-lines.ts';
import { getLogs } from './get-logs.ts';
import { getOffice } from './get-office.ts';
import { getOffices } from './get-offices.ts';
import { getPeers } from './get-peers.ts';
import { getRoutes } from './get-routes.ts';
import { getStatus } from './get-status.ts';
import { pingPeer } from './ping-peer.ts';
import { removePeer } from './remove-peer.ts';
import { shutDown } from './shut-down.ts';
import { verifyAudit } from './verify-audit.ts';

/** Everything an administrator can do; every surface is made from this list. */
export const OPERATIONS = [
  getStatus,
  getPeers,
  acceptPeer,
  removePeer,
  pingPeer,
  getRoutes,
  getOffices,
  getOffice,
  getLines,
  getAudit,
  verifyAudit,
  exportAudit,
  getLogs,
  getConfig,
  getDiagnostics,
  shutDown,
] as const;
