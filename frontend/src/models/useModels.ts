import { keepPreviousData, useQuery } from "@tanstack/react-query";

import type { ModelChoices, OfferedModel } from "../protocol/api.ts";
import { api } from "../protocol/client.ts";

export const MODELS = ["models"];
/** How soon to ask again while the server looks for more. */
const SEARCHING_MS = 1_000;
/** How soon to ask again whether they can be reached. */
const CHECK_MS = 60_000;

/** The models on offer, the default first; with `search` those with these words. */
export function useModels(search = "") {
  return useQuery({
    queryKey: [...MODELS, search],
    queryFn: () => api.models(search),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.searching === true ? SEARCHING_MS : CHECK_MS),
  });
}

/** A model by name, which may be beyond the first page of the list. */
interface Chosen {
  /** Null: not known yet, or not offered any more. */
  readonly model: OfferedModel | null;
  readonly isMissing: boolean;
  readonly list: ModelChoices | undefined;
}

/** The model of this name; without a name the default. */
export function useChosenModel(name: string | null): Chosen {
  const { data: list } = useModels();
  const listed = name === null ? list?.items[0] : list?.items.find((one) => one.name === name);
  const isBeyond = name !== null && list !== undefined && listed === undefined;
  const found = useQuery({
    queryKey: [...MODELS, "named", name],
    queryFn: async () => (await api.models(name ?? "")).items.find((one) => one.name === name) ?? null,
    enabled: isBeyond && !list.searching,
  });
  const model = listed ?? found.data ?? null;
  return { model, isMissing: isBeyond && model === null && found.isSuccess, list };
}
