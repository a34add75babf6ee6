// Times: how long ago, with the exact moment for who points at it, or the exact moment at once.
import { fromNow, moment, NOTHING } from "./format";

export function Ago({ at }: { at: string | null | undefined }) {
  if (!at) return NOTHING;
  return (
    <time dateTime={at} style={{ whiteSpace: "nowrap" }} title={moment(at)}>
      {fromNow(at)}
    </time>
  );
}

export function At({ at }: { at: string | null | undefined }) {
  if (!at) return NOTHING;
  return (
    <time dateTime={at} title={fromNow(at)}>
      {moment(at)}
    </time>
  );
}
