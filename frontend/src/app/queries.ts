import { QueryClient } from "@tanstack/react-query";

import { ApiError } from "../protocol/client.ts";

const MAX_TRIES = 3;
const TOO_MANY = 429;

/** What the server refused for good is not asked for again. */
function isWorthRetrying(failures: number, error: Error): boolean {
  const isRefused = error instanceof ApiError && error.status < 500 && error.status !== TOO_MANY;
  return failures < MAX_TRIES && !isRefused;
}

/** What the page has fetched; one for all of it. */
export function newQueries(): QueryClient {
  return new QueryClient({ defaultOptions: { queries: { staleTime: 30_000, retry: isWorthRetrying } } });
}
