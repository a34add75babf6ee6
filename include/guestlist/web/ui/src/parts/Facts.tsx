// Named facts side by side, as many in a line as fit.
import { Box, Text } from "@chakra-ui/react";
import type { ReactNode } from "react";

interface Fact {
  name: string;
  value: ReactNode;
  /** A word more on the value. */
  note?: ReactNode;
}

export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <Box
      as="dl"
      display="grid"
      flexShrink={0}
      gap={3}
      gridTemplateColumns="repeat(auto-fill, minmax(min(9rem, 45%), 1fr))"
      margin={0}
    >
      {facts.map(({ name, note, value }) => (
        <Box
          _dark={{ borderColor: "border.emphasized" }}
          borderRadius="md"
          borderWidth="1px"
          key={name}
          paddingBlock={2}
          paddingInline={3}
        >
          <Text as="dt" color="fg.muted" fontSize="xs">
            {name}
          </Text>
          <Text as="dd" fontSize="md" fontVariantNumeric="tabular-nums" margin={0} overflowWrap="anywhere">
            {value}
            {note && (
              <Text as="span" color="fg.muted" display="block" fontSize="xs">
                {note}
              </Text>
            )}
          </Text>
        </Box>
      ))}
    </Box>
  );
}
