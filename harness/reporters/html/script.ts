import { filterScript } from './script-filter.ts'

/** Conveniences only: the document says everything without them. */
export const script: string = `(() => {
const button = (text, act) => {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = text;
  made.addEventListener('click', () => act(made));
  return made;
};
for (const box of document.querySelectorAll('[data-copy]')) {
  const copy = button('Copy', (made) => navigator.clipboard.writeText(box.querySelector('code').textContent)
    .then(() => { made.textContent = 'Copied'; }, () => { made.textContent = 'Not allowed here'; }));
  box.after(copy);
}
const data = document.getElementById('meshmark-results');
if (data && data.textContent !== '[]') document.getElementById('download').append(button('Download as JSON', () => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([data.textContent], { type: 'application/json' }));
  link.download = 'meshmark-results.json';
  link.click();
  URL.revokeObjectURL(link.href);
}));
addEventListener('beforeprint', () => {
  for (const folded of document.querySelectorAll('details:not([open])')) { folded.open = true; folded.dataset.folded = ''; }
});
addEventListener('afterprint', () => {
  for (const folded of document.querySelectorAll('details[data-folded]')) { folded.open = false; delete folded.dataset.folded; }
});
${filterScript}
})();`
