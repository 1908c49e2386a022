/**
 * What a page does beyond forms and links: keeps quiet about nothing. Everything here is a comfort;
 * without it each page still tells the truth of the moment it was made.
 */
(() => {
  /** The box says something every second or two; after this long its last word is old. */
  const STALE_MS = 5000;
  const live = document.getElementById('live');
  const stale = document.getElementById('stale');
  let lastWordMs = Date.now();

  // ---- Old news is shown as unknown, with the time of the last good answer -----------------------

  function markStale() {
    if (document.body.dataset.stale !== undefined) return;
    document.body.dataset.stale = '';
    const time = new Date(lastWordMs).toLocaleTimeString('en-GB');
    stale.textContent = `No news from the box since ${time}. What you see may be out of date; this page goes on trying.`;
    for (const state of document.querySelectorAll('[data-live] .state')) {
      const use = state.querySelector('use');
      use?.setAttribute('href', `${use.getAttribute('href').split('#')[0]}#unknown`);
      state.dataset.state = 'unknown';
      const word = state.lastChild;
      if (word?.nodeType === Node.TEXT_NODE) word.nodeValue = ' Unknown';
    }
  }

  function markFresh() {
    lastWordMs = Date.now();
    if (document.body.dataset.stale === undefined) return;
    delete document.body.dataset.stale;
    stale.textContent = '';
  }

  if (live) {
    live.addEventListener('htmx:sse:after:message', markFresh);
    document.addEventListener('visibilitychange', () => {
      // The stream rests while nobody looks: that is not the box being silent.
      if (!document.hidden) lastWordMs = Date.now();
    });
    setInterval(() => {
      if (!document.hidden && Date.now() - lastWordMs > STALE_MS) markStale();
    }, 1000);
  }

  // ---- The countdown of a change on trial ---------------------------------------------------------

  const trial = document.getElementById('trial');
  if (trial) {
    const endMs = Date.now() + Number(trial.dataset.leftMs);
    const text = document.getElementById('trial-left');
    const bar = document.getElementById('trial-bar');
    const announce = document.getElementById('trial-announce');
    const said = new Set();
    const tick = setInterval(() => {
      const left = Math.max(0, Math.ceil((endMs - Date.now()) / 1000));
      text.textContent = left;
      bar.value = left;
      for (const mark of [60, 30, 10]) {
        if (left <= mark && left > mark - 3 && !said.has(mark)) {
          said.add(mark);
          announce.textContent = `About ${mark} seconds left.`;
        }
      }
      if (left === 0) {
        clearInterval(tick);
        // Late enough that the box has gone back and the page that comes says so.
        setTimeout(() => location.reload(), 2500);
      }
    }, 500);
  }

  // ---- Entries that follow live: resting on one, or reading further down, holds the list still ----

  const sending = (event) => {
    const form = event.target;
    const progress = form.querySelector('progress[data-upload]');
    if (!progress || !window.XMLHttpRequest) return;
    event.preventDefault();
    const request = new XMLHttpRequest();
    const words = document.getElementById(progress.dataset.upload);
    progress.hidden = false;
    request.upload.addEventListener('progress', ({ loaded, total }) => {
      progress.max = total;
      progress.value = loaded;
      words.textContent = `Sent ${Math.floor((100 * loaded) / Math.max(1, total))} %`;
    });
    // The answer is a page of its own, as it would be without script.
    request.addEventListener('load', () => location.assign(request.responseURL || location.href));
    request.addEventListener('error', () => {
      words.textContent = 'The connection to the box broke off. Nothing was installed; send the file again.';
      for (const button of form.querySelectorAll('button')) button.disabled = false;
    });
    request.open('POST', form.action);
    for (const button of form.querySelectorAll('button')) button.disabled = true;
    request.send(new FormData(form));
  };
  document.addEventListener('submit', sending);

  // ---- Times are told in the reader's own zone from the next page on ------------------------------

  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  if (timeZone) {
    document.cookie = `zone=${encodeURIComponent(timeZone)}; Path=/; Secure; SameSite=Strict; Max-Age=31536000`;
  }
})();
