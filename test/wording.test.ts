import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';

/** Phrases of an earlier dialect of this project; docs/contributing.md has the words to use. */
const habits: readonly RegExp[] = [
	/\b(?:nobody|anybody|whoever|those who)\b/i,
	/(?<!\bthere )\b(?:is|are) none\b/i,
	/(?<!\bthere )\bis no (?!longer|more)/i,
	/\b(?:could|can|cannot|could not) be had\b/i,
	/\bso (?:long|many|often)\b(?! as\b)/i,
	/\b(?:is|are|was|were) told\b|\btold (?:of|to|that)\b|\btells (?:how|whether|of|that)\b/i,
	/\bbehind (?:it|them|that|the|each|which|so many|a|all|one)\b/i,
	/\basked again\b|\basked for again\b/i,
	/\bhe\b|\bhis\b/,
];

async function textsOf(): Promise<{ file: string; line: number; text: string }[]> {
	const roots = await Promise.all(
		['lib', 'docs', 'examples'].map(async (root) =>
			(await readdir(root, { recursive: true })).map((name) => join(root, name)),
		),
	);
	const files = ['README.md', ...roots.flat()].filter((name) => /\.(?:ts|md)$/.test(name));
	const lines = await Promise.all(
		files.map(async (file) =>
			(await readFile(file, 'utf8')).split('\n').map((text, index) => ({ file, line: index + 1, text })),
		),
	);
	return lines.flat();
}

test('code and documents keep to the vocabulary', async (t) => {
	const found = (await textsOf())
		.filter(({ file }) => file !== join('docs', 'contributing.md'))
		.filter(({ text }) => habits.some((habit) => habit.test(text)))
		.map(({ file, line, text }) => `${file}:${line}: ${text.trim()}`);
	t.deepEqual(found, []);
});
