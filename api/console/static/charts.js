// Curves of the page of figures, drawn by uPlot from the data of their elements.
(() => {
  const STATUS = {running: '--run', completed: '--ok', failed: '--bad', timed_out: '--wait', canceled: '--muted', terminated: '--edge'};
  const LINES = ['--run', '--ai', '--wait', '--ok', '--bad', '--muted', '--text', '--edge', '--edge'];
  const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]];  // lines differ in more than their colour
  const HEIGHT = 220;
  const WHOLE = Array.from({length: 36}, (_, place) => [1, 2, 5][place % 3] * 10 ** Math.floor(place / 3));  // steps of an axis of counts

  const number = (value) => value.toLocaleString('en', {maximumFractionDigits: 1, notation: value >= 1e5 ? 'compact' : 'standard'});
  const duration = (ms) => ms < 1000 ? `${Math.round(ms)} ms` : ms < 6e4 ? `${number(ms / 1e3)} s` : ms < 36e5 ? `${number(ms / 6e4)} min` : `${number(ms / 36e5)} h`;
  const money = (value) => '$' + value.toLocaleString('en', {maximumSignificantDigits: 4});
  const SHOW = {runs: number, tokens: number, ms: duration, usd: money};

  // A value without neighbours has no line, and uPlot leaves points out where they are close.
  const alone = (values) => values.some((value, place) => value != null && values[place - 1] == null && values[place + 1] == null);

  const draw = (element) => {
    const {unit, times, lines} = element.dataset;
    const colour = (name) => getComputedStyle(element).getPropertyValue(name).trim();
    const data = JSON.parse(lines), names = Object.keys(data);
    const show = (value) => value == null ? '–' : SHOW[unit](value);
    const axis = {stroke: colour('--muted'), grid: {stroke: colour('--line'), width: 1}, ticks: {stroke: colour('--line'), width: 1}};
    const at = (seconds) => new Date(seconds * 1e3).toISOString();
    const place = (seconds) => element.dataset.hours === '1' ? at(seconds).slice(11, 16) : at(seconds).slice(5, 10);
    const whole = unit === 'runs' || unit === 'tokens';
    const options = {
      width: element.clientWidth, height: HEIGHT, tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), 'Etc/UTC'),
      scales: {y: {range: (_, __, most) => [0, (most || 1) * 1.05]}},
      axes: [
        {...axis, values: (_, ticks) => ticks.map(place)},
        {...axis, size: 64, values: (_, ticks) => ticks.map(show), ...(whole && {incrs: WHOLE})},
      ],
      series: [
        {value: (_, seconds) => seconds == null ? '–' : at(seconds).slice(0, 16).replace('T', ' ')},
        ...names.map((name, place) => ({
          label: name.replaceAll('_', ' '), stroke: colour(STATUS[name] || LINES[place % LINES.length]), width: 2,
          dash: DASHES[place % DASHES.length], points: {size: 5, ...(alone(data[name]) && {show: true})}, value: (_, value) => show(value), spanGaps: false,
        })),
      ],
    };
    element.replaceChildren();
    return new uPlot(options, [JSON.parse(times), ...names.map((name) => data[name])], element);
  };

  for (const element of document.querySelectorAll('.chart')) {
    let plot = draw(element);
    new ResizeObserver(() => {
      if (element.clientWidth !== plot.width) plot.setSize({width: element.clientWidth, height: HEIGHT});
    }).observe(element);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { plot.destroy(); plot = draw(element); });
  }
})();
