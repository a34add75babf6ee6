// Every audience at a glance; the server filters, sorts and counts, and the address keeps what was chosen.
import type { SortingState } from "@tanstack/react-table";
import { useMemo } from "react";
import { useSearchParams } from "react-router-dom";
import { byOffset, type Paging, usePages } from "../api/queries";
import type { AudienceRow, Overview, Status } from "../api/types";
import { plural } from "../parts/format";
import { Csv } from "../parts/Links";
import { Page } from "../parts/Page";
import { PagedTable } from "../parts/PagedTable";
import { COLUMNS } from "./columns";
import { type Chosen, Filters } from "./Filters";

/** The last page tells the counts of all. */
const PAGING = byOffset<AudienceRow>() as Paging<AudienceRow, Overview>;

export function OverviewPage() {
  const { change, chosen, order, query } = useChoice();
  const { last: newest } = usePages("overview", query, PAGING);
  const narrowed = chosen.search !== "" || chosen.platform !== "" || chosen.statuses.length > 0;
  return (
    <Page
      about={newest && plural(newest.total, "audience")}
      actions={<Csv name="the overview" path="overview" query={query} />}
      title="Audiences"
    >
      <Filters change={change} chosen={chosen} counts={newest} />
      <PagedTable
        columns={COLUMNS}
        empty={
          narrowed ? "No audience is like that." : "There are no audiences yet: write a segment file, see docs/segments.md."
        }
        label="Audiences"
        onSorting={order.change}
        paging={PAGING}
        path="overview"
        query={query}
        rowId={(row) => `${row.segment}/${row.destination}`}
        sorting={order.sorting}
      />
    </Page>
  );
}

/** What the address says: filters and order, and the API's query for them. */
function useChoice() {
  const [address, setAddress] = useSearchParams();
  const said = address.toString();
  return useMemo(() => {
    const now = new URLSearchParams(said);
    const set = (name: string, values: readonly string[]) => {
      now.delete(name);
      for (const value of values) if (value !== "") now.append(name, value);
    };
    const chosen: Chosen = {
      platform: now.get("platform") ?? "",
      search: now.get("search") ?? "",
      statuses: now.getAll("status") as Status[],
    };
    const change = (to: Partial<Chosen>) => {
      const next = { ...chosen, ...to };
      set("search", [next.search]);
      set("platform", [next.platform]);
      set("status", next.statuses);
      setAddress(now, { replace: true });
    };
    const sorting = [{ desc: now.get("descending") === "true", id: now.get("sort") ?? "segment" }];
    const reorder = ([by]: SortingState) => {
      set("sort", [by?.id ?? ""]);
      set("descending", [by?.desc ? "true" : ""]);
      setAddress(now, { replace: true });
    };
    const query = {
      descending: sorting[0]?.desc,
      platform: chosen.platform,
      search: chosen.search,
      sort: sorting[0]?.id,
      status: chosen.statuses,
    };
    return { change, chosen, order: { change: reorder, sorting }, query };
  }, [said, setAddress]);
}
