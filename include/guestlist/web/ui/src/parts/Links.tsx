// Links: within Airflow by its own router, to other sites in a new tab, and to CSV files.
import { Button, Link } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { FiDownload, FiExternalLink } from "react-icons/fi";
import { Link as RouterLink } from "react-router-dom";
import { apiUrl, type Query } from "../api/client";

/** To a page of Airflow or of ours, by its path from the root of the site. */
export function Inner({ children, label, to }: { children: ReactNode; label?: string | undefined; to: string }) {
  return (
    <RouterLink aria-label={label} className="inner" to={to}>
      {children}
    </RouterLink>
  );
}

/** To another site; what a platform tells as an address is followed only where it is one of the web. */
export function Outer({ children, href }: { children: ReactNode; href: string }) {
  if (!/^https?:\/\//.test(href)) return children;
  return (
    <Link color="fg.info" href={href} rel="noopener noreferrer" target="_blank">
      {children}
      <FiExternalLink aria-label="in a new tab" />
    </Link>
  );
}

interface CsvProps {
  /** Where two stand side by side. */
  label?: string;
  name: string;
  path: string;
  query?: Query;
}

const MOST_ROWS = 10_000;

/** The rows of a list as a file, with the filters that it is shown with. */
export function Csv({ label = "CSV", name, path, query = {} }: CsvProps) {
  return (
    <Button asChild size="sm" variant="outline">
      <a aria-label={`Download ${name} as CSV`} download href={apiUrl(path, { ...query, format: "csv", limit: MOST_ROWS })}>
        <FiDownload aria-hidden />
        {label}
      </a>
    </Button>
  );
}
