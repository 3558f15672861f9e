import { Button } from "../../ui/Button.tsx";

interface Props {
  readonly question: string;
  readonly onChange: (question: string | null) => void;
}

/** The next question, waiting for the running answer; it can be edited or dropped. */
export function Queued({ question, onChange }: Props) {
  return (
    <div className="queued">
      <label>
        <span className="soft">Next</span>
        <input
          className="field"
          value={question}
          onChange={(event) => {
            onChange(event.target.value);
          }}
        />
      </label>
      <Button
        look="quiet"
        icon="close"
        onClick={() => {
          onChange(null);
        }}
      >
        Remove
      </Button>
    </div>
  );
}
