// What of a file is sent, and how: never is all of it in the memory of the browser.
import { apiUrl, refused } from "../api/client";

/** What a look at a file needs: its beginning where it is text, and all of what cannot be cut. */
export interface Beginning {
  content: Blob;
  name: string;
  cut: boolean;
}

const LOOK_BYTES = 1 << 20;
/** The most that the API looks at. */
const MOST_BYTES = 16 << 20;
const TEXT = /\.(csv|tsv|ndjson)$/i;
const PACKED_TEXT = /\.(csv|tsv|ndjson)\.gz$/i;

export const ENDINGS = [".csv", ".tsv", ".ndjson", ".gz", ".parquet", ".xlsx"];

/** Undefined for a file that is too large to be looked at, and cannot be cut. */
export async function beginningOf(file: File): Promise<Beginning | undefined> {
  if (TEXT.test(file.name)) {
    return { content: file.slice(0, LOOK_BYTES), cut: file.size > LOOK_BYTES, name: file.name };
  }
  if (file.size <= MOST_BYTES) return { content: file, cut: false, name: file.name };
  if (!PACKED_TEXT.test(file.name)) return undefined;
  return { content: await unpacked(file), cut: true, name: file.name.slice(0, -".gz".length) };
}

async function unpacked(file: File): Promise<Blob> {
  const reader = file.stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  const found: BlobPart[] = [];
  for (let size = 0; size < LOOK_BYTES;) {
    const { done, value } = await reader.read();
    if (done) break;
    found.push(value);
    size += value.byteLength;
  }
  await reader.cancel();
  return new Blob(found);
}

/** The fields of a form; what is undefined is left out. */
export function formOf(fields: Readonly<Record<string, string | undefined>>, content: Blob, name: string): FormData {
  const form = new FormData();
  for (const [field, value] of Object.entries(fields)) if (value !== undefined) form.append(field, value);
  form.append("file", content, name);
  return form;
}

interface Upload {
  method: "POST" | "PUT";
  path: string;
  form: FormData;
  /** Names the request: sent again, it is the same upload. */
  key: string;
  onProgress: (share: number) => void;
  signal: AbortSignal;
}

/** By XMLHttpRequest, since `fetch` does not tell how much has been sent. */
export function upload<T>({ form, key, method, onProgress, path, signal }: Upload): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, apiUrl(path));
    request.setRequestHeader("Idempotency-Key", key);
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
    request.onload = () =>
      request.status < 300 ? resolve(request.response) : reject(refused(request.status, request.response));
    request.onerror = () => reject(new Error("The connection was broken off. Send it again: nothing is pushed twice."));
    request.onabort = () => reject(new Error("The upload was stopped. Nothing of it counts."));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

/** Not `crypto.randomUUID`, which there is on HTTPS alone. */
export const newKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
