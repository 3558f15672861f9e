import { labelOf } from "./modelText.ts";
import { useChosenModel } from "./useModels.ts";

/** The label of the model that wrote an answer; its name when it is offered no more. */
export function ModelName({ name }: { readonly name: string | null }) {
  const { model } = useChosenModel(name);
  return name === null || model === null ? name : labelOf(model);
}
