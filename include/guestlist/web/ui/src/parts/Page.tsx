// What every page has: tabs between pages, a heading that takes the focus, and rows of actions.
import { Box, Flex, Heading, HStack, Stack, Text } from "@chakra-ui/react";
import { type ReactNode, useEffect, useRef } from "react";
import { NavLink, useLocation } from "react-router-dom";
import { PUSHED, ROOT } from "../paths";

const CELL = { base: 1, md: 2 };

/** Of what there is much of: a component of Chakra's for each would make long tables slow. */
const STYLES = {
  "& .inner": { _hover: { textDecoration: "underline" }, color: "fg.info" },
  "& small": { color: "fg.muted", display: "block", fontSize: "xs" },
  "& th[scope=row]": { fontWeight: "normal" },
  "& small.line": { maxWidth: { base: "9rem", md: "14rem", "2xl": "20rem" }, truncate: true },
  "& td, & th:where([scope=row])": {
    borderBottomWidth: "1px",
    paddingBlock: 2,
    paddingInline: CELL,
    textAlign: "start",
    verticalAlign: "top",
  },
  "& tbody tr:not(.detail):hover": { _dark: { bg: "bg.emphasized" }, bg: "bg.subtle" },
  "& thead th": { paddingInline: CELL },
  "& .numeric": { fontVariantNumeric: "tabular-nums", textAlign: "end", whiteSpace: "nowrap" },
  "& .numeric + :not(.numeric)": { paddingInlineStart: 4 },
  /** In the dark Airflow's own edges of controls can hardly be seen. */
  "& :is(input, select, button[data-part=trigger], [data-part=dropzone], [data-part=control], [data-part=item-control])": {
    _dark: { borderColor: "gray.500" },
  },
  "& .until-md": { hideFrom: "md" },
  "& .from-md": { hideBelow: "md" },
  "& .from-lg": { hideBelow: "lg" },
  "& .from-xl": { hideBelow: "xl" },
};

/** In the order of their tabs; another page is a line here and a route in main.tsx. */
const TABS: readonly { label: string; path: string }[] = [
  { label: "Overview", path: ROOT },
  { label: "Pushed", path: PUSHED },
  { label: "Platforms", path: `${ROOT}/platforms` },
  { label: "Erasures", path: `${ROOT}/erasures` },
  { label: "Guards", path: `${ROOT}/guards` },
];

interface Props {
  title: string;
  /** One line under the title. */
  about?: ReactNode;
  /** To the right of the title. */
  actions?: ReactNode;
  children: ReactNode;
}

export function Page({ about, actions, children, title }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  useEffect(() => {
    const site = document.title;
    document.title = `${title} - ${site}`;
    return () => {
      document.title = site;
    };
  }, [title]);
  return (
    <Flex as="main" css={STYLES} direction="column" gap={4} height="100%" overflow="auto" padding={{ base: 2, md: 4 }}>
      <Tabs />
      <Flex align="start" flexShrink={0} gap={3} justify="space-between" wrap="wrap">
        <Stack gap={1} minWidth={0}>
          <Heading as="h1" outline="none" overflowWrap="anywhere" ref={heading} size="xl" tabIndex={-1}>
            {title}
          </Heading>
          {about && <Box color="fg.muted">{about}</Box>}
        </Stack>
        {actions && <HStack wrap="wrap">{actions}</HStack>}
      </Flex>
      {children}
    </Flex>
  );
}

function Tabs() {
  const { pathname } = useLocation();
  const ofOverview = pathname.startsWith(`${ROOT}/segments/`); // audiences and runs are reached from there
  return (
    <Box aria-label="Audiences" as="nav" borderBottomWidth="1px" flexShrink={0}>
      <HStack gap={0} wrap="wrap">
        {TABS.map(({ label, path }) => (
          <Box
            _currentPage={{ borderColor: "brand.fg", color: "brand.fg", fontWeight: "semibold" }}
            _focusVisible={{ outline: "2px solid", outlineColor: "brand.focusRing", outlineOffset: "-2px" }}
            _hover={{ bg: "bg.subtle" }}
            asChild
            borderBottomWidth="2px"
            borderColor="transparent"
            key={path}
            paddingBlock={2}
            paddingInline={{ base: 2, md: 3 }}
          >
            <NavLink end={path === ROOT && !ofOverview} to={path}>
              {label}
            </NavLink>
          </Box>
        ))}
      </HStack>
    </Box>
  );
}

interface SectionProps {
  title: string;
  about?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

export function Section({ about, actions, children, title }: SectionProps) {
  return (
    <Stack as="section" flexShrink={0} gap={2}>
      <Flex align="center" gap={3} justify="space-between" wrap="wrap">
        <Heading as="h2" size="md">
          {title}
        </Heading>
        {actions && <HStack>{actions}</HStack>}
      </Flex>
      {about && <Text color="fg.muted">{about}</Text>}
      {children}
    </Stack>
  );
}
