import test from 'ava';
import { schema } from 'ebml';
import { ELEMENTS } from '#lib/ebml/ebml-elements.js';

test('the table has every element of the ebml package, with its name, level and kind', (t) => {
	const rows = [...schema]
		.sort(([a], [b]) => a - b)
		.map(([id, { name, level, type }]) => [id, name, level, type === 'm']);
	t.deepEqual(ELEMENTS, rows as unknown as typeof ELEMENTS);
});
