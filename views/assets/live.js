/**
 * What a page does beyond forms and links. Everything here is a comfort: without it each page still
 * tells the truth of the moment it was made.
 */
{
  /** The box says something every second or two; after this long its last word is old. */
  const STALE_MS = 5000;

  // ---- Old news is shown as unknown, with the time of the last good answer -------------------------

  /** Shows a state as unknown; gives what puts it back. */
  const showUnknown = (state) => {
    const use = state.querySelector('use');
    const word = state.lastChild;
    const [shape, drawing, text] = [state.dataset.state, use.getAttribute('href'), word.nodeValue];
    state.dataset.state = 'unknown';
    use.setAttribute('href', `${drawing.split('#')[0]}#unknown`);
    word.nodeValue = ' Unknown';
    return () => {
      state.dataset.state = shape;
      use.setAttribute('href', drawing);
      word.nodeValue = text;
    };
  };

  /** The answer on home claims something: when it is old it says that instead. */
  const showSilent = (heading, time) => {
    const text = heading.textContent;
    heading.textContent = `Nothing has been heard from this box since ${time}.`;
    return () => {
      heading.textContent = text;
    };
  };

  const watchNews = (live, stale) => {
    let lastWordMs = Date.now();
    let undo;
    // Before, not after: what is put back is what the new parts are compared with.
    live.addEventListener('htmx:sse:before:message', () => {
      lastWordMs = Date.now();
      if (!undo) return;
      for (const putBack of undo) putBack();
      undo = undefined;
      delete document.body.dataset.stale;
      stale.textContent = '';
    });
    // The session ended: the page that asks for the password is the one to see now.
    live.addEventListener('signed-out', () => location.reload());
    document.addEventListener('visibilitychange', () => {
      // The stream rests while nobody looks: that is not the box being silent.
      if (!document.hidden) lastWordMs = Date.now();
    });
    setInterval(() => {
      if (document.hidden || undo || Date.now() - lastWordMs <= STALE_MS) return;
      document.body.dataset.stale = '';
      const time = new Date(lastWordMs).toLocaleTimeString('en-GB');
      stale.textContent = `No news from the box since ${time}. What you see may be out of date; this page goes on trying.`;
      const states = document.querySelectorAll('[data-live] .state[data-state], .pulse .state[data-state]');
      undo = [...states].map(showUnknown);
      const heading = document.querySelector('#verdict h1');
      if (heading) undo.push(showSilent(heading, time));
    }, 1000);
  };

  // ---- A page that could not be made is asked for until it can ------------------------------------

  const AGAIN_MS = 3000;

  const askAgain = () => {
    setInterval(async () => {
      if (document.hidden) return;
      const answer = await fetch(location.href, { redirect: 'manual' }).catch(() => undefined);
      if (answer && answer.status < 500) location.reload();
    }, AGAIN_MS);
  };

  // ---- The countdown of a change on trial ----------------------------------------------------------

  const countDown = (trial) => {
    const endMs = Date.now() + Number(trial.dataset.leftMs);
    const [text, bar, announce] = ['trial-left', 'trial-bar', 'trial-announce'].map((id) =>
      document.getElementById(id),
    );
    const said = new Set();
    const tick = setInterval(() => {
      const left = Math.max(0, Math.ceil((endMs - Date.now()) / 1000));
      text.textContent = left;
      bar.value = left;
      for (const mark of [60, 30, 10]) {
        if (left > mark || left < mark - 2 || said.has(mark)) continue;
        said.add(mark);
        announce.textContent = `About ${mark} seconds left.`;
      }
      if (left > 0) return;
      clearInterval(tick);
      // Late enough that the box has gone back and the page that comes says so.
      setTimeout(() => location.reload(), 2500);
    }, 500);
  };

  // ---- How much of an update file has been sent ----------------------------------------------------

  const sendWithProgress = (event) => {
    const form = event.target;
    const bar = form.querySelector('progress[data-upload]');
    if (!bar) return;
    event.preventDefault();
    const words = document.getElementById(bar.dataset.upload);
    const buttons = form.querySelectorAll('button');
    const data = new FormData(form);
    const request = new XMLHttpRequest();
    bar.hidden = false;
    request.upload.addEventListener('progress', ({ loaded, total }) => {
      bar.max = total;
      bar.value = loaded;
      words.textContent = `Sent ${Math.floor((100 * loaded) / Math.max(1, total))} %.`;
    });
    // The answer leads to a page, as it does without script.
    request.addEventListener('load', () => location.assign(request.responseURL || location.href));
    request.addEventListener('error', () => {
      words.textContent = 'The connection to the box broke off. Nothing was installed; send the file again.';
      for (const button of buttons) button.disabled = false;
    });
    request.open('POST', form.action);
    for (const button of buttons) button.disabled = true;
    request.send(data);
  };

  const live = document.getElementById('live');
  if (live) watchNews(live, document.getElementById('stale'));
  if (document.querySelector('[data-again]')) askAgain();
  const trial = document.getElementById('trial');
  if (trial) countDown(trial);
  document.addEventListener('submit', sendWithProgress);

  // Times are told in the reader's own zone from the next page on.
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  if (timeZone) {
    document.cookie = `zone=${encodeURIComponent(timeZone)}; Path=/; Secure; SameSite=Strict; Max-Age=31536000`;
  }
}
