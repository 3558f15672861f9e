import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

const IDLE_MS = 1_500;

// A query rather than `lazy`: it is tried again after a failure, and code that is there already is
// drawn with the panel, without a fallback in between.
const CONTENT = queryOptions({
  queryKey: ["source content"],
  queryFn: () => import("./SourceContent.tsx"),
  staleTime: Infinity,
  gcTime: Infinity,
  structuralSharing: false,
});

/** The code that draws a source. */
export function useSourceContent() {
  return useQuery(CONTENT);
}

/** Loads that code once the page has had time to start, so that a citation opens without waiting. */
export function usePreloadSourceContent(): void {
  const queries = useQueryClient();
  useEffect(() => {
    const timer = setTimeout(() => void queries.query(CONTENT).catch(() => undefined), IDLE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [queries]);
}
