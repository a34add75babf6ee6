// What stands where an answer will: bones while it is awaited, the server's sentence where it did not come.
import { Alert, Button, Skeleton, Stack } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { ApiError } from "../api/client";

interface Asked<T> {
  data: T | undefined;
  error: Error | null;
  refetch: () => unknown;
}

const BONES = ["title", "first", "second", "third"];

interface AnsweredProps<T> {
  asked: Asked<T>;
  children: (answer: T) => ReactNode;
  /** What did not come, where it was not loading that failed. */
  title?: string;
}

/** The children of the answer; an older answer stays with a word that it could not be renewed. */
export function Answered<T>({ asked, children, title }: AnsweredProps<T>) {
  return (
    <>
      {asked.error && <Failure error={asked.error} retry={asked.refetch} {...(title && { title })} />}
      {asked.data !== undefined ? children(asked.data) : asked.error === null && <Bones />}
    </>
  );
}

function Bones() {
  return (
    <Stack aria-busy="true" aria-label="Loading" role="status">
      {BONES.map((bone) => (
        <Skeleton height="8" key={bone} />
      ))}
    </Stack>
  );
}

const TITLES: Readonly<Record<number, string>> = {
  403: "You may not see this",
  404: "There is no such thing here",
};

interface FailureProps {
  error: Error;
  retry?: () => unknown;
  /** What was not done, where that is something else than loading. */
  title?: string;
}

export function Failure({ error, retry, title = "This could not be loaded" }: FailureProps) {
  const status = error instanceof ApiError ? error.status : 0;
  const hopeless = status === 403 || status === 404;
  return (
    <Alert.Root flexShrink={0} role="alert" status={hopeless ? "warning" : "error"}>
      <Alert.Indicator />
      <Alert.Content>
        <Alert.Title>{TITLES[status] ?? title}</Alert.Title>
        <Alert.Description>{error.message}</Alert.Description>
        {retry && !hopeless && (
          <Button alignSelf="start" marginBlockStart={2} onClick={() => retry()} size="sm" variant="outline">
            Try again
          </Button>
        )}
      </Alert.Content>
    </Alert.Root>
  );
}
