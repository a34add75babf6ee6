// Badges of what state something is in: Airflow's colours, and always the word, too.
import { Badge } from "@chakra-ui/react";
import type { Status } from "../api/types";
import { words } from "./format";

export const STATUSES: Readonly<Record<Status, { label: string; palette: string }>> = {
  waiting: { label: "Waiting for approval", palette: "awaiting_input" },
  running: { label: "Running", palette: "running" },
  failed: { label: "Failed", palette: "failed" },
  unconfirmed: { label: "Unconfirmed", palette: "deferred" },
  stale: { label: "Stale", palette: "warning" },
  in_step: { label: "In step", palette: "success" },
  new: { label: "New", palette: "none" },
};

const PALETTES: Readonly<Record<string, string>> = {
  approve: "success",
  approved: "success",
  closed: "none",
  done: "success",
  dry: "none",
  expired: "failed",
  failed: "failed",
  ok: "success",
  opened: "running",
  open: "running",
  partial: "warning",
  pending: "scheduled",
  planned: "scheduled",
  processing: "running",
  ready: "success",
  received: "success",
  reject: "failed",
  rejected: "failed",
  removed: "success",
  running: "running",
  sealed: "success",
  sending: "running",
  settled: "success",
  stopped: "awaiting_input",
  superseded: "removed",
  syncing: "running",
  unconfirmed: "deferred",
  unsent: "failed",
  waiting: "awaiting_input",
  "waiting for approval": "awaiting_input",
};

export function StatusBadge({ status }: { status: Status }) {
  const { label, palette } = STATUSES[status];
  return <Badge colorPalette={palette}>{label}</Badge>;
}

export function StateBadge({ state }: { state: string }) {
  return <Badge colorPalette={PALETTES[state] ?? "none"}>{words(state)}</Badge>;
}
