/**
 * Adds a filter above every list of conformance rows: `[data-filter]` holds rows, `data-row` says their level and states.
 * Without it the lists are there in full.
 */
export const filterScript = `
const levels = ['MUST', 'SHOULD', 'MAY'];
const states = { failed: 'failed', error: 'not judged', flaky: 'flaky', knownIssue: 'known issue', skipped: 'skipped', notSupported: 'not claimed', passed: 'passed' };
for (const list of document.querySelectorAll('[data-filter]')) {
  const rows = [...list.querySelectorAll('[data-row]')].map((node) => ({ node, words: node.dataset.row.split(' '), text: node.textContent.toLowerCase() }));
  if (rows.length < 2) continue;
  const bar = document.createElement('div');
  bar.className = 'filter';
  bar.setAttribute('role', 'search');
  bar.setAttribute('aria-label', list.dataset.filter === 'matrix' ? 'Filter the rows of all runs' : 'Filter rows of ' + list.dataset.filter);
  const field = (title, made) => {
    const label = document.createElement('label');
    label.append(title, made);
    bar.append(label);
    return made;
  };
  const select = (title, entries) => {
    const made = document.createElement('select');
    made.add(new Option('all', ''));
    for (const [value, text] of entries) {
      const found = rows.filter(({ words }) => words.includes(value)).length;
      if (found > 0) made.add(new Option(text + ' (' + found + ')', value));
    }
    return field(title, made);
  };
  const level = select('Level', levels.map((one) => [one, one]));
  const state = select('State', Object.entries(states));
  const search = document.createElement('input');
  search.type = 'search';
  search.autocomplete = 'off';
  field('Text', search);
  const told = document.createElement('p');
  told.setAttribute('role', 'status');
  bar.append(told);
  const groups = [...list.querySelectorAll('details.group')];
  const apply = () => {
    const text = search.value.trim().toLowerCase();
    const active = level.value !== '' || state.value !== '' || text !== '';
    let shown = 0;
    for (const row of rows) {
      const fits = (level.value === '' || row.words.includes(level.value)) && (state.value === '' || row.words.includes(state.value)) && (text === '' || row.text.includes(text));
      row.node.hidden = !fits;
      if (fits) shown += 1;
    }
    const empty = (box) => active && !box.querySelector('[data-row]:not([hidden])');
    for (const box of [...groups, ...list.querySelectorAll('[data-group], .rows, .matrix')]) box.hidden = empty(box);
    for (const group of groups) {
      if (active && !('before' in group.dataset)) group.dataset.before = group.open ? 'open' : '';
      if (active) group.open = true;
      else if ('before' in group.dataset) { group.open = group.dataset.before === 'open'; delete group.dataset.before; }
    }
    told.textContent = active ? shown + ' of ' + rows.length + ' rows' : rows.length + ' rows';
  };
  for (const one of [level, state, search]) one.addEventListener('input', apply);
  apply();
  list.prepend(bar);
}
const reveal = () => {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target || !target.matches('.row')) return;
  for (let box = target.closest('details'); box; box = box.parentElement.closest('details')) box.open = true;
  target.querySelector('details').open = true;
  target.scrollIntoView();
};
addEventListener('hashchange', reveal);
reveal();`
