import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

import type { Reading } from "../protocol/events.gen.ts";
import { api } from "../protocol/client.ts";

export const INGEST_PROGRESS = ["reading"];
const POLL_MS = 2000;

/**
 * How far the server has read the library; null when nothing is being read. What it has read shows
 * in the lists of sources at once.
 */
export function useIngestProgress(): Reading | null {
  const queries = useQueryClient();
  const { data } = useQuery({
    queryKey: INGEST_PROGRESS,
    queryFn: () => api.reading(),
    staleTime: 0,
    retry: true,
    refetchInterval: ({ state }) => (state.data?.reading ? POLL_MS : false),
  });
  const reading = data?.reading ?? null;
  const done = reading?.done ?? null;
  const before = useRef<number | null>(null);
  useEffect(() => {
    if (before.current !== null && before.current !== done) {
      void queries.invalidateQueries({ queryKey: ["sources"] });
    }
    before.current = done;
  }, [done, queries]);
  return reading;
}
