// The editor of the policy bench: a textarea with completion from the schema and findings at their lines.
//
// It lives in a shadow tree: there its style sheets are adopted ones, which a strict policy for styles lets through.
import { autocompletion, closeBrackets, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import {
  drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { flowOf, keysAt, placeOf, valuesAt } from "./places.mjs";

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent)" },
  { tag: [tags.comment], color: "var(--quiet)", fontStyle: "italic" },
  { tag: [tags.string, tags.content, tags.literal], color: "var(--text)" },
]);
const look = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--surface)", fontSize: ".85rem", border: "1px solid var(--line-strong)", borderRadius: "6px" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "ui-monospace, SFMono-Regular, Menlo, monospace", lineHeight: "1.5", maxHeight: "70vh", overflow: "auto" },
  ".cm-content": { caretColor: "var(--text)", minHeight: "16rem" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--quiet)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
  ".cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": { backgroundColor: "var(--line-strong)" },
  ".cm-tooltip": { backgroundColor: "var(--surface)", color: "var(--text)", border: "1px solid var(--line-strong)", maxWidth: "min(90vw, 34rem)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--accent-text)" },
  ".cm-completionDetail": { color: "inherit", fontStyle: "normal" },
  ".cm-lint-marker": { content: "normal", width: ".6em", height: ".6em", marginTop: ".35em", borderRadius: "50%" },
  ".cm-lint-marker-error": { backgroundColor: "var(--bad)" },
  ".cm-lint-marker-warning": { backgroundColor: "var(--warn)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad)" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--warn)" },
  ".cm-panels": { backgroundColor: "var(--surface)", color: "var(--text)" },
});

const clauses = (text) => [...text.matchAll(/^\s*-\s*\{?\s*id:\s*["']?([\w.-]+)/gm)].map((found) => found[1]);

const source = (schema) => (context) => {
  const line = context.state.doc.lineAt(context.pos);
  const before = line.text.slice(0, context.pos - line.from);
  if (/^\s*#/.test(before)) return null;
  const lines = context.state.doc.toString().split("\n");
  const place = placeOf(lines, line.number - 1);
  const flow = flowOf(before);
  const whole = flow ? { ...flow, path: [...place.path, ...flow.path] } : place;
  const without = (name) => ({ ...whole, beside: whole.beside.filter((one) => one !== name) });
  const here = flow ? flow.inside.split(",").pop() : before.replace(/^\s*(?:-\s+)*/, "");
  const value = /^\s*([A-Za-z_][\w.-]*)\s*:\s+(["']?[\w.-]*)$/.exec(here);
  if (value) {
    const [, key, begun] = value;
    const options = /(^|_)clause$/.test(key)
      ? clauses(context.state.doc.toString())
      : valuesAt(schema, { ...without(key), kind: key === "kind" ? null : whole.kind }, key);
    const shown = options.map((label) => ({ label, type: "constant" }));
    return shown.length ? { from: context.pos - begun.length, options: shown, validFor: /^[\w.-]*$/ } : null;
  }
  const key = /^\s*([A-Za-z_][\w.-]*)?$/.exec(here);
  if (!key || (!key[1] && !context.explicit)) return null;
  const begun = key[1] ?? "";
  const options = keysAt(schema, without(begun)).map((one) => ({
    label: one.key,
    apply: `${one.key}:${one.leads && !flow ? "" : " "}`,
    detail: one.needed ? "needed" : "",
    info: one.about || undefined,
    boost: one.needed ? 1 : 0,
    type: "property",
  }));
  return options.length ? { from: context.pos - begun.length, options, validFor: /^[\w.-]*$/ } : null;
};

const marked = (view, rows) =>
  rows
    .filter((row) => row.line > 0 && row.line <= view.state.doc.lines)
    .map((row) => {
      const line = view.state.doc.line(row.line);
      const from = Math.min(line.from + Math.max(row.column - 1, 0), line.to);
      return { from, to: line.to, severity: row.severity, message: row.hint ? `${row.message} ${row.hint}` : row.message };
    });

const mount = async () => {
  const text = document.querySelector("textarea[data-schema]");
  if (!text || text.dataset.mounted) return;
  text.dataset.mounted = "yes";
  const schema = await fetch(text.dataset.schema).then((answer) => answer.json(), () => ({}));
  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  text.after(host);
  const label = document.querySelector(`label[for="${text.id}"]`);
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text.value,
      extensions: [
        lineNumbers(), highlightActiveLineGutter(), foldGutter(), history(), drawSelection(), indentUnit.of("  "),
        bracketMatching(), closeBrackets(), highlightActiveLine(), highlightSelectionMatches(), lintGutter(), yaml(),
        syntaxHighlighting(colours), look, EditorState.tabSize.of(2),
        autocompletion({ override: [source(schema)], icons: false }),
        keymap.of([...completionKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...lintKeymap]),
        EditorView.contentAttributes.of({ "aria-label": label?.textContent ?? "Policy", tabindex: "0" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) text.value = update.state.doc.toString();
        }),
      ],
    }),
  });
  text.hidden = true;
  label?.addEventListener("click", () => view.focus());
  document.addEventListener("click", (event) => {
    const asked = event.target instanceof Element ? event.target.closest("[data-line]") : null;
    if (!asked || !document.contains(host)) return;
    event.preventDefault();
    const line = view.state.doc.line(Math.min(Math.max(Number(asked.dataset.line), 1), view.state.doc.lines));
    view.dispatch({ selection: { anchor: line.from }, effects: EditorView.scrollIntoView(line.from, { y: "center" }) });
    view.focus();
  });
  view.dispatch(setDiagnostics(view.state, marked(view, JSON.parse(text.dataset.problems || "[]"))));
};

document.addEventListener("htmx:afterSettle", mount);
mount();
