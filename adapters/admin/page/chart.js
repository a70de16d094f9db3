// Bars over days, drawn as SVG. For screen readers it is one picture with a name; the table below has every number.

const NAMESPACE = "http://www.w3.org/2000/svg";
const HEIGHT = 240;
const LEFT = 58;
const BOTTOM = 26;
const TOP = 12;

function s(name, attributes, ...children) {
  const element = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A round step, so that about four lines stand below the highest value. */
function stepFor(most) {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((step) => step >= rough);
}

/**
 * `points` are `{name, value, words}` (`value` is null where there is none, `words` what is told of it); `tick` writes a value at the
 * axis; `ceiling` is the highest value there can be, if there is one.
 */
export function drawBars(box, points, { label, tick, ceiling }) {
  const width = Math.max(280, Math.floor(box.clientWidth));
  const most = ceiling ?? Math.max(...points.map((point) => point.value ?? 0));
  const step = most > 0 ? stepFor(most) : 1;
  const top = ceiling ?? (most > 0 ? Math.ceil(most / step - 1e-9) * step : 1);
  const inner = HEIGHT - TOP - BOTTOM;
  const y = (value) => TOP + inner * (1 - value / top);
  const room = (width - LEFT - 6) / points.length;
  const lines = [];
  for (let value = 0; value <= top + 1e-9; value += step) {
    const at = y(value);
    lines.push(
      s("line", { class: value === 0 ? "axis" : "grid", x1: LEFT, x2: width - 6, y1: at, y2: at }),
      s("text", { class: "tick", x: LEFT - 8, y: at + 4, "text-anchor": "end" }, tick(value)),
    );
  }
  const every = Math.max(1, Math.ceil(64 / room));
  const bars = points.map((point, index) => {
    const x = LEFT + index * room;
    const height = point.value ? Math.max(1.5, inner * (point.value / top)) : 0;
    const wide = Math.max(1, Math.min(room * 0.76, 56));
    const group = s(
      "g",
      { class: "bar" },
      s("title", {}, `${point.name}: ${point.words}`),
      s("rect", { class: "hover", x, y: TOP, width: room, height: inner }),
      s("rect", {
        class: "fill",
        x: x + (room - wide) / 2,
        y: TOP + inner - height,
        width: wide,
        height,
        rx: Math.min(3, wide / 3),
      }),
    );
    if (index % every === 0) {
      group.append(s("text", { class: "tick", x: x + room / 2, y: HEIGHT - 8, "text-anchor": "middle" }, point.name));
    }
    return group;
  });
  box.replaceChildren(
    s("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": label }, ...lines, ...bars),
  );
}
