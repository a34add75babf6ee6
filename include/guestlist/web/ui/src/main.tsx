// The entry that Airflow's page loads: it takes the component from this global, and mounts it at its route for plugins.
import { QueryClientProvider } from "@tanstack/react-query";
import { Route, Routes } from "react-router-dom";
import { client } from "./api/queries";
import { AudiencePage } from "./audience/AudiencePage";
import { ErasuresPage } from "./logs/ErasuresPage";
import { GuardsPage } from "./logs/GuardsPage";
import { OverviewPage } from "./overview/OverviewPage";
import { Page } from "./parts/Page";
import { PlatformsPage } from "./platforms/PlatformsPage";
import { PushPage } from "./push/PushPage";
import { ProgressPage } from "./pushed/ProgressPage";
import { PushedPage } from "./pushed/PushedPage";
import { RunPage } from "./run/RunPage";

function Audiences() {
  return (
    <QueryClientProvider client={client}>
      <Routes>
        <Route element={<OverviewPage />} index />
        <Route element={<AudiencePage />} path="segments/:segment/destinations/:destination" />
        <Route element={<RunPage />} path="segments/:segment/destinations/:destination/runs/:run" />
        <Route element={<PushedPage />} path="pushed" />
        <Route element={<PushPage />} path="pushed/new" />
        <Route element={<ProgressPage />} path="pushed/audiences/:id" />
        <Route element={<PlatformsPage />} path="platforms" />
        <Route element={<ErasuresPage />} path="erasures" />
        <Route element={<GuardsPage />} path="guards" />
        <Route element={<Page title="There is no such page">Go on from the tabs above.</Page>} path="*" />
      </Routes>
    </QueryClientProvider>
  );
}

Object.assign(globalThis, { AirflowPlugin: Audiences });
