"use strict";
// Squarified treemap (Bruls, Huizing, van Wijk 2000) of repositories, by the folders of their names.
const data = JSON.parse(document.getElementById("data").textContent);

function bytes(n) {
  const units = ["bytes", "kB", "MB", "GB", "TB", "PB"];
  let i = 0;
  while (n >= 1000 && i < units.length - 1) { n /= 1000; i++; }
  return (i ? n.toFixed(1) : n) + " " + units[i];
}

function tree(repositories) {
  const root = { name: "all", path: "", size: 0, inner: new Map(), own: null };
  for (const one of repositories) {
    let node = root;
    node.size += one.size;
    for (const part of one.name.split("/")) {
      if (!node.inner.has(part)) {
        const path = node.path ? node.path + "/" + part : part;
        node.inner.set(part, { name: part, path, size: 0, inner: new Map(), own: null, above: node });
      }
      node = node.inner.get(part);
      node.size += one.size;
    }
    node.own = one;
  }
  return root;
}

// What is drawn inside a node: its children, and its own images where it is a repository as well.
function parts(node) {
  const found = [...node.inner.values()];
  if (node.own && found.length) {
    found.push({ name: "(images)", path: node.path, size: node.own.size, inner: new Map(), own: node.own });
  }
  return found.filter((one) => one.size > 0).sort((a, b) => b.size - a.size);
}

function worst(row, sum, side) {
  const first = row[0].area, last = row[row.length - 1].area, s2 = sum * sum, w2 = side * side;
  return Math.max((w2 * first) / s2, s2 / (w2 * last));
}

function squarify(nodes, x, y, w, h) {
  const total = nodes.reduce((sum, one) => sum + one.size, 0);
  const items = nodes.map((node) => ({ node, area: (node.size / total) * w * h }));
  const placed = [];
  for (let i = 0; i < items.length && w > 0 && h > 0; ) {
    const side = Math.min(w, h), row = [items[i]];
    let sum = items[i++].area;
    while (i < items.length &&
        worst([...row, items[i]], sum + items[i].area, side) <= worst(row, sum, side)) {
      sum += items[i].area;
      row.push(items[i++]);
    }
    const thick = sum / side;
    let at = 0;
    for (const one of row) {
      const long = one.area / thick;
      placed.push(w >= h ? { node: one.node, x, y: y + at, w: thick, h: long }
                         : { node: one.node, x: x + at, y, w: long, h: thick });
      at += long;
    }
    if (w >= h) { x += thick; w -= thick; } else { y += thick; h -= thick; }
  }
  return placed;
}

function hue(text) {
  let h = 0;
  for (const c of text) { h = (h * 31 + c.codePointAt(0)) % 360; }
  return h;
}

function label(node) {
  const one = node.own;
  return node.path + ": " + bytes(node.size) +
    (one ? ", " + one.tags + " tags, own " + bytes(one.own) + ", shared " + bytes(one.shared) : "");
}

function draw(map, node, x, y, w, h, depth) {
  for (const box of squarify(parts(node), x, y, w, h)) {
    if (box.w < 3 || box.h < 3) { continue; }
    const div = document.createElement("div"), inner = box.node.inner.size > 0;
    div.style.left = box.x + "px"; div.style.top = box.y + "px";
    div.style.width = box.w + "px"; div.style.height = box.h + "px";
    div.title = label(box.node);
    div.textContent = box.h > 14 && box.w > 20 ? box.node.name + " " + bytes(box.node.size) : "";
    if (inner) {
      div.className = "group";
      div.addEventListener("click", () => show(box.node));
    } else {
      div.style.background = "hsl(" + hue(box.node.path) + " 55% 75%)";
    }
    map.append(div);
    if (inner && depth < 6) { draw(map, box.node, box.x + 3, box.y + 18, box.w - 6, box.h - 21, depth + 1); }
  }
}

function show(node) {
  const map = document.getElementById("map"), way = document.getElementById("way");
  map.replaceChildren();
  way.replaceChildren();
  for (let one = node; one; one = one.above) {
    const button = document.createElement("button");
    button.textContent = one.name + (one === node ? "" : " ›");
    button.addEventListener("click", () => show(one));
    way.prepend(button);
  }
  draw(map, node, 0, 0, map.clientWidth || 800, map.clientHeight || 500, 0);
}

function row(one) {
  const tr = document.createElement("tr");
  const size = (n) => (one.complete ? "" : "≥ ") + bytes(n);
  const cells = [one.name, size(one.size), size(one.own), size(one.shared), one.tags, one.manifests,
                 one.last_push || "never"];
  for (const text of cells) {
    const td = document.createElement("td");
    td.textContent = text;
    tr.append(td);
  }
  return tr;
}

const sums = Object.entries(data.totals).map(([name, heap]) => name.replace("_", " ") + ": " + bytes(heap.bytes));
document.getElementById("sums").textContent = sums.join(", ");
const ordered = [...data.repositories].sort((a, b) => b.size - a.size);
document.getElementById("rows").replaceChildren(...ordered.map(row));
show(tree(data.repositories));
