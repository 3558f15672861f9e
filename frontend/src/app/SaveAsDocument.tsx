import { use } from "react";

import { useT } from "../i18n/useLanguage.ts";
import { Button } from "../ui/Button.tsx";
import { AddFilesContext } from "./addFiles.ts";

interface Props {
  readonly text: string;
  readonly onSaved: () => void;
}

/** A text that is too long for a question makes a good document. */
export function SaveAsDocument({ text, onSaved }: Props) {
  const t = useT();
  const addFiles = use(AddFilesContext);
  return (
    <Button
      variant="outlined"
      icon="text"
      onClick={() => {
        const name = `${t("app:saveAsDocument.name")}.txt`;
        void addFiles([new File([text], name, { type: "text/plain" })]);
        onSaved();
      }}
    >
      {t("app:saveAsDocument.button")}
    </Button>
  );
}
