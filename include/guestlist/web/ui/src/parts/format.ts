// Numbers, shares and times as people read them, in the time zone that was chosen in Airflow.

import type { PushedAs } from "../api/types";

/** Stands where nothing is known. */
export const NOTHING = "–";

const whole = new Intl.NumberFormat("en-US");
const percent = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1, style: "percent" });

export const count = (value: number | null | undefined): string => (value == null ? NOTHING : whole.format(value));
export const share = (value: number | null | undefined): string => (value == null ? NOTHING : percent.format(value));

/** A size as a platform tells it: a number or a range. */
export function size(low: number | null | undefined, high: number | null | undefined): string {
  return low == null || high == null || low === high ? count(low ?? high) : `${count(low)} to ${count(high)}`;
}

const SIZES = ["B", "kB", "MB", "GB"];

/** The size of a file: `3.5 MB`. */
export function bytes(size: number): string {
  const unit = Math.min(SIZES.length - 1, Math.floor(Math.log10(Math.max(1, size)) / 3));
  return `${Number((size / 1000 ** unit).toFixed(1))} ${SIZES[unit]}`;
}

const SPANS: readonly [number, string][] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
];

/** Seconds in the largest unit that fits, with one decimal below ten: `8.1 min`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds == null) return NOTHING;
  const [span, unit] = SPANS.find(([length]) => Math.round((seconds / length) * 60) >= 60) ?? [1, "s"]; // no "60 min"
  const value = seconds / span;
  return `${value < 9.95 && unit !== "s" ? Number(value.toFixed(1)) : Math.round(value)} ${unit}`;
}

/** How long ago, or in how long: `3 h ago`, `in 2 d`. */
export function fromNow(time: string, now: number = Date.now()): string {
  const seconds = (now - Date.parse(time)) / 1000;
  if (Math.abs(seconds) < 5) return "now";
  return seconds > 0 ? `${duration(seconds)} ago` : `in ${duration(-seconds)}`;
}

/** `2026-11-22 05:29:27 UTC`. */
export const moment = (time: string): string => `${shown(time, { dateStyle: "short", timeStyle: "medium" })} ${zoneAt(time)}`;

/** What its zone is called at that moment: `UTC`, `EST`, `GMT+1`. */
const zoneAt = (time: string): string =>
  new Intl.DateTimeFormat("en-US", { timeZone: timeZone(), timeZoneName: "short" })
    .formatToParts(new Date(time))
    .find(({ type }) => type === "timeZoneName")?.value ?? "";

/** `Nov 22`. */
export const day = (time: number | string): string => shown(time, { day: "numeric", month: "short" }, "en-US");

function shown(time: string | number, parts: Intl.DateTimeFormatOptions, language = "sv-SE"): string {
  return new Intl.DateTimeFormat(language, { ...parts, timeZone: timeZone() }).format(new Date(time));
}

/** Airflow keeps the choice as JSON; without one it shows UTC. */
function timeZone(): string {
  const kept = localStorage.getItem("timezone");
  return kept === null ? "UTC" : JSON.parse(kept);
}

/** `no_consent` as `no consent`; a platform's own code, such as `INVALID_EMAIL`, stays as it can be searched for. */
export const words = (name: string): string => (name === name.toUpperCase() ? name : name.replaceAll("_", " "));

/** What a segment is called: what was pushed by the name that it was given. */
export const nameOf = ({ pushed, segment }: { pushed: PushedAs | null; segment: string }): string => pushed?.name ?? segment;

export const plural = (number: number, one: string, many = `${one}s`): string =>
  `${count(number)} ${number === 1 ? one : many}`;
