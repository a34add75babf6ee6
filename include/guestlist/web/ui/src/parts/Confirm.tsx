// A button that asks once more, sends, and says what came of it.
import { Alert, Button, Dialog, Portal } from "@chakra-ui/react";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { send } from "../api/client";
import { client } from "../api/queries";
import { Failure } from "./Answered";

interface Props<Answer> {
  label: string;
  icon?: ReactNode;
  palette?: string;
  /** The question that is asked once more, and what happens then. */
  question: string;
  children: ReactNode;
  path: string;
  body: object;
  method?: "DELETE" | "POST";
  /** Shown once the server has done it. */
  done: (answer: Answer) => ReactNode;
  /** False where the user may not; `why` says so. */
  may: boolean;
  why: string;
}

export function Confirm<Answer>({
  body,
  children,
  done,
  icon,
  label,
  may,
  method,
  palette,
  path,
  question,
  why,
}: Props<Answer>) {
  const [open, setOpen] = useState(false);
  const sending = useMutation({ mutationFn: () => send<Answer>(path, body, method) });
  const show = (shown: boolean) => {
    if (shown) sending.reset();
    else if (sending.data !== undefined) client.invalidateQueries(); // not before: what asked may be gone then, and we with it
    setOpen(shown);
  };
  return (
    <Dialog.Root lazyMount onOpenChange={(change) => show(change.open)} open={open} role="alertdialog" unmountOnExit>
      <Dialog.Trigger asChild>
        <Button
          disabled={!may}
          size="sm"
          title={may ? undefined : why}
          variant="outline"
          {...(palette && { colorPalette: palette })}
        >
          {icon}
          {label}
        </Button>
      </Dialog.Trigger>
      <Portal>
        <Dialog.Backdrop />
        <Dialog.Positioner>
          <Dialog.Content marginInline={2}>
            <Dialog.Header>
              <Dialog.Title>{question}</Dialog.Title>
            </Dialog.Header>
            <Dialog.Body>
              {sending.data === undefined ? (
                <Dialog.Description asChild>
                  <div>{children}</div>
                </Dialog.Description>
              ) : (
                <Alert.Root role="status" status="success">
                  <Alert.Indicator />
                  <Alert.Title>{done(sending.data)}</Alert.Title>
                </Alert.Root>
              )}
              {sending.error && <Failure error={sending.error} />}
            </Dialog.Body>
            <Dialog.Footer>
              <Dialog.ActionTrigger asChild>
                <Button size="sm" variant="outline">
                  {sending.data === undefined ? "Cancel" : "Close"}
                </Button>
              </Dialog.ActionTrigger>
              {sending.data === undefined && (
                <Button
                  colorPalette={palette ?? "brand"}
                  loading={sending.isPending}
                  onClick={() => sending.mutate()}
                  size="sm"
                >
                  {label}
                </Button>
              )}
            </Dialog.Footer>
          </Dialog.Content>
        </Dialog.Positioner>
      </Portal>
    </Dialog.Root>
  );
}
