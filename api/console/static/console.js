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
    graph.scrollLeft += box.left + box.width / 2 - frame.left - frame.width / 2;
    graph.scrollTop += box.top + box.height / 2 - frame.top - frame.height / 2;
  };
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', centre);
  else centre();

  // On a narrow screen the items of a node are below the graph: show them when they have come.
  document.addEventListener('htmx:after:swap', () => {
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
