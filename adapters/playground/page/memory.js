// What the browser remembers. Storage may be forbidden: then it lasts as long as the page, which is no error.

export function recall(key, storage = "localStorage") {
  try {
    return window[storage].getItem(key);
  } catch {
    return null;
  }
}

/** An empty text is forgotten. */
export function remember(key, text, storage = "localStorage") {
  try {
    if (text) window[storage].setItem(key, text);
    else window[storage].removeItem(key);
  } catch {
    // See above.
  }
}
