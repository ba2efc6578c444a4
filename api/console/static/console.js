// Behaviour of the console's pages beyond htmx. The policy of the pages allows no code inside them.
(() => {
  const pill = () => document.getElementById('connection');

  // A cut stream of events is told until it is there again.
  const away = () => { const it = pill(); if (it) it.hidden = false; };
  const back = () => { const it = pill(); if (it) it.hidden = true; };
  document.addEventListener('htmx:sse:error', away);
  document.addEventListener('htmx:error', (event) => { if (event.target.id === 'live') away(); });  // the first connection
  document.addEventListener('htmx:sse:before:connection', (event) => {
    if (event.detail.connection.attempt > 0) away();
  });
  document.addEventListener('htmx:sse:after:connection', back);
  document.addEventListener('htmx:sse:close', back);

  // A graph that is a little too large for its frame is drawn smaller, so that it is seen as a whole.
  const fit = (graph) => {
    const drawing = graph.querySelector('svg'), {width, height} = drawing.viewBox.baseVal;
    const most = window.innerHeight * .6 - 2, scale = Math.min(graph.clientWidth / width, most / height);
    if (scale >= .75 && scale < 1) {
      drawing.setAttribute('width', width * scale);
      drawing.setAttribute('height', height * scale);
    }
  };

  // It opens where something happens, else where it begins.
  const centre = () => {
    const graph = document.getElementById('graph');
    if (!graph) return;
    fit(graph);
    const node = graph.querySelector('.state-running, .state-waiting') || graph.querySelector('.state-error')
      || graph.querySelector('.family-trigger.state-success') || graph.querySelector('.family-trigger');
    if (!node) return;
    const box = node.getBoundingClientRect(), frame = graph.getBoundingClientRect();
    if (node.matches('.state-idle') && box.right < frame.right && box.bottom < frame.bottom) return;
    graph.scrollLeft += box.left + box.width / 2 - frame.left - frame.width / 2;
    graph.scrollTop += box.top + box.height / 2 - frame.top - frame.height / 2;
  };

  // On a narrow screen one part of a run is shown at a time: that of the address, else the one before, else its steps.
  let part = 'part-steps';
  const show = () => {
    const parts = document.querySelector('.parts');
    if (!parts) return;
    const named = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const section = named && named.closest('.parts > section');
    if (section) part = section.id;
    if (!document.getElementById(part)) part = 'part-steps';
    for (const each of parts.querySelectorAll(':scope > section')) each.classList.toggle('away', each.id !== part);
    for (const tab of parts.querySelectorAll('.part-tabs a')) {
      if (tab.hash === '#' + part) tab.setAttribute('aria-current', 'true');
      else tab.removeAttribute('aria-current');
    }
  };
  window.addEventListener('hashchange', () => { show(); open(); });
  document.addEventListener('click', (event) => {
    const tab = event.target.closest('.part-tabs a');
    if (!tab) return;
    event.preventDefault();  // the page stays where it is
    history.replaceState(null, '', tab.hash);
    show();
    open();
  });

  // A graph is placed once, when it is first seen: of a page, of one whose run has ended, or behind its tab.
  const open = () => {
    const graph = document.getElementById('graph');
    if (!graph || graph.dataset.open || !graph.clientWidth) return;
    graph.dataset.open = 'true';
    centre();
  };
  const begin = () => {
    show();
    open();
    const section = document.querySelector('.bar [aria-current]');
    if (section) section.scrollIntoView({block: 'nearest', inline: 'center'});
  };
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', begin);
  else begin();

  // On a narrow screen the items of a node are below the graph: show them when they have come.
  document.addEventListener('htmx:after:swap', () => {
    if (document.querySelector('.parts') && !document.querySelector('.part-tabs [aria-current]')) { show(); open(); }
    const panel = document.getElementById('panel');
    if (panel && document.activeElement.closest('#graph, #steps, #panel') && window.innerWidth < 1100) panel.scrollIntoView({block: 'nearest'});
  });

  // Escape closes an open menu, and gives the focus back to it.
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    for (const menu of document.querySelectorAll('details.menu[open]')) {
      menu.open = false;
      menu.querySelector('summary').focus();
    }
  });
})();
