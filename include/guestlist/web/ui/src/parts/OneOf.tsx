// A field that narrows a list down to one of a few values, or to none of them.
import { NativeSelect } from "@chakra-ui/react";

interface Props {
  /** What the first choice, which narrows nothing, says. */
  all: string;
  change: (chosen: string) => void;
  /** Empty for all. */
  chosen: string;
  /** What is chosen, for screen readers. */
  label: string;
  values: readonly string[];
}

export function OneOf({ all, change, chosen, label, values }: Props) {
  return (
    <NativeSelect.Root size="sm" width="auto">
      <NativeSelect.Field aria-label={label} onChange={({ target }) => change(target.value)} value={chosen}>
        <option value="">{all}</option>
        {values.map((value) => (
          <option key={value}>{value}</option>
        ))}
      </NativeSelect.Field>
      <NativeSelect.Indicator />
    </NativeSelect.Root>
  );
}
