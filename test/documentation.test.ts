import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import test from 'ava';
import { ArchiveClient } from '#lib/aws/archive-client.js';
import { ERROR_CODES } from '#lib/errors.js';
import { TrackSelection } from '#lib/frames/track-selection.js';
import { FAILURE_NAMES } from '#lib/model/failure-name.js';
import type { MediaEvent } from '#lib/model/media-event.js';
import { FRESH_START } from '#lib/model/run-start.js';
import { systemClock } from '#lib/pace/clock.js';
import { publicEvents } from '#lib/run/event-stream.js';
import { type MediaRun, runStages } from '#lib/run/open-run.js';
import { apiPage } from './documentation/api-page.js';
import { cliPage } from './documentation/cli-page.js';
import { unlimited } from './helpers/service/unlimited.js';

/** Every document that people read. */
async function documents(): Promise<string[]> {
	const folders = ['docs', 'examples', 'test'];
	const found = await Promise.all(
		folders.map(async (folder) =>
			(await readdir(folder, { recursive: true })).map((name) => join(folder, name)),
		),
	);
	return ['README.md', 'CHANGELOG.md', ...found.flat().filter((name) => name.endsWith('.md'))];
}

/** Anchors of a document's headings, as GitHub makes them. */
function anchors(text: string): Set<string> {
	const found = new Set<string>();
	for (const [, heading = ''] of withoutCode(text).matchAll(/^#+ (.*)$/gm)) {
		const slug = heading
			.toLowerCase()
			.replace(/[^\p{L}\p{N}_ -]/gu, '')
			.replaceAll(' ', '-');
		let anchor = slug;
		for (let count = 1; found.has(anchor); count++) anchor = `${slug}-${count}`;
		found.add(anchor);
	}
	return found;
}

function withoutCode(text: string): string {
	return text.replace(/^```[\s\S]*?^```$/gm, '');
}

test('README is short', async (t) => {
	t.true((await readFile('README.md', 'utf8')).split('\n').length <= 151);
});

test('every link leads somewhere', async (t) => {
	const dead: string[] = [];
	for (const file of await documents()) {
		const text = withoutCode(await readFile(file, 'utf8'));
		for (const [, target = ''] of text.matchAll(/(?:\]\(|\b(?:src|href)=")([^)"\s]+)[)"]/g)) {
			if (/^https?:/.test(target)) continue;
			const [path = '', anchor] = target.split('#');
			const to = path === '' ? file : join(dirname(file), path);
			const isThere =
				existsSync(to) && (anchor === undefined || anchors(await readFile(to, 'utf8')).has(anchor));
			if (!isThere) dead.push(`${file}: ${target}`);
		}
	}
	t.deepEqual(dead, []);
});

/** Names of the stages in a drawing of the flow, and whether each is there only when an option asks for it. */
function drawn(text: string): { name: string; isOptional: boolean }[] {
	const [flow = ''] = /^.*FragmentSource ─►.*$/m.exec(text) ?? [];
	return [...flow.matchAll(/(\[?)\b([A-Z]\w+)/g)].map(([, bracket, name]) => ({
		name: name as string,
		isOptional: bracket !== '',
	}));
}

test('the flow in the documents is the one that runs', async (t) => {
	const client = new ArchiveClient({ streamName: 'door', endpoint: 'http://127.0.0.1:9' });
	t.teardown(() => client.close());
	const names = (run: Partial<MediaRun<MediaEvent>>): string[] => {
		const stages = runStages<MediaEvent>({
			client,
			limiter: unlimited,
			clock: systemClock,
			connections: 5,
			range: { from: 0, to: 1 },
			options: {},
			startAt: 'time',
			pick: publicEvents,
			...run,
		});
		t.teardown(() => {
			for (const stage of stages) stage.destroy();
		});
		return stages.map((stage) => stage.constructor.name);
	};
	const plain = names({});
	const all = names({
		options: { padStart: true, duplicates: 'keep-newest' },
		tracks: new TrackSelection([1]),
		past: { ...FRESH_START, last: '1' },
		wanted: { wanted: async () => () => true, onAfterSkip: () => {} },
	});
	const architecture = drawn(await readFile('docs/architecture.md', 'utf8'));
	t.deepEqual(
		architecture.map(({ name }) => name).filter((name) => name !== 'WhereFilter'),
		all,
	);
	const tagged = names({ options: { where: {} }, tracks: new TrackSelection([1]) });
	t.deepEqual(
		architecture.map(({ name }) => name).filter((name) => tagged.includes(name)),
		tagged,
	);
	const required = architecture.filter(({ isOptional }) => !isOptional).map(({ name }) => name);
	t.deepEqual(required, plain);
	t.deepEqual(
		drawn(await readFile('docs/library.md', 'utf8')).map(({ name }) => name),
		plain,
	);
});

const exported =
	/^export (?:default )?(?:abstract )?(?:async )?(?:class|function\*?|const|interface|type|enum) (\w+)/;

test('every export says what it is for', async (t) => {
	const lib = resolve('lib');
	const files = (await readdir(lib, { recursive: true })).filter((name) => name.endsWith('.ts'));
	const bare: string[] = [];
	for (const file of files) {
		const lines = (await readFile(join(lib, file), 'utf8')).split('\n');
		for (const [index, line] of lines.entries()) {
			const name = exported.exec(line)?.[1];
			if (name !== undefined && !(lines[index - 1] ?? '').trimEnd().endsWith('*/'))
				bare.push(`${file}: ${name}`);
		}
	}
	t.deepEqual(bare, []);
});

test('docs/api.md is made from the docblocks as they are', async (t) => {
	t.is(await readFile('docs/api.md', 'utf8'), await apiPage(), 'npm run docs writes it');
});

test('docs/cli.md has the help of every command as it is', async (t) => {
	t.is(await readFile('docs/cli.md', 'utf8'), await cliPage(), 'npm run docs writes it');
});

/** Phrases of an earlier dialect of this project; docs/contributing.md has the words to use. */
const habits: readonly RegExp[] = [
	/\b(?:is|are|was|were|be|been) away\b/i,
	/\b(?:nobody|anybody|whoever|those who)\b/i,
	/(?<!\bthere )\b(?:is|are) none\b/i,
	/(?<!\bthere )\bis no (?!longer|more)/i,
	/\b(?:could|can|cannot|could not) be had\b/i,
	/\bso (?:long|many|often)\b(?! as\b)/i,
	/\btells (?:how|whether|of|that)\b/i,
	/\basked again\b|\basked for again\b/i,
	/\bhe\b|\bhis\b/,
	/\btold\b/i,
	/\bin front of\b|\bbehind\b(?! now)/i,
	/\bsounds?\b/i,
	/\banswers?\b/i,
];

/** Of these, the words that are kept out of tests too. */
const wordsInTests = habits.slice(-4);

async function textsOf(paths: readonly string[]): Promise<{ file: string; line: number; text: string }[]> {
	const found = await Promise.all(
		paths.map(async (path) =>
			path.endsWith('.md')
				? [path]
				: (await readdir(path, { recursive: true })).map((name) => join(path, name)),
		),
	);
	const files = found.flat().filter((name) => /\.(?:ts|mjs|md)$/.test(name));
	const lines = await Promise.all(
		files.map(async (file) =>
			(await readFile(file, 'utf8')).split('\n').map((text, index) => ({ file, line: index + 1, text })),
		),
	);
	return lines.flat();
}

test('code and documents keep to the vocabulary', async (t) => {
	const lists = [
		{ paths: ['README.md', 'lib', 'docs', 'examples'], words: habits },
		{ paths: ['CHANGELOG.md', 'test'], words: wordsInTests },
	];
	// These name the words.
	const exempt = [join('docs', 'contributing.md'), join('test', 'documentation.test.ts')];
	for (const { paths, words } of lists) {
		const found = (await textsOf(paths))
			.filter(({ file }) => !exempt.includes(file))
			.filter(({ text }) => words.some((word) => word.test(text)))
			.map(({ file, line, text }) => `${file}:${line}: ${text.trim()}`);
		t.deepEqual(found, []);
	}
});

test('every code is documented, and every documented code exists', async (t) => {
	const text = await readFile('docs/errors.md', 'utf8');
	const documented = [...text.matchAll(/^\| `(KVS_\w+)` \|/gm)].map(([, code]) => code);
	t.deepEqual(documented, [...ERROR_CODES]);
});

test('every name of a failure is documented, and every documented name exists', async (t) => {
	const text = await readFile('docs/errors.md', 'utf8');
	const rows = [...text.matchAll(/^\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \| /gm)].map(([, names]) => names ?? '');
	const documented = rows
		.flatMap((names) => names.match(/[A-Z_]+/g) ?? [])
		.filter((name) => !name.startsWith('KVS_'));
	t.deepEqual(documented.toSorted(), [...FAILURE_NAMES].toSorted());
});

test('every code is used', async (t) => {
	const files = (await readdir('lib', { recursive: true })).filter(
		(name) => name.endsWith('.ts') && name !== 'errors.ts',
	);
	const texts = await Promise.all(files.map((file) => readFile(join('lib', file), 'utf8')));
	const used = new Set(texts.flatMap((text) => text.match(/KVS_[A-Z_]+/g) ?? []));
	t.deepEqual(
		ERROR_CODES.filter(
			(code) => code !== 'KVS_INVALID_OPTION' && code !== 'KVS_FRAGMENT_FAILED' && !used.has(code),
		),
		[],
	);
});

test('each threat names an existing test', async (t) => {
	const text = await readFile('docs/threats.md', 'utf8');
	const cells = [...text.matchAll(/^\|[^|]*\|[^|]*\| ([^|]*) \|$/gm)].map(([, cell = '']) => cell);
	const tests = cells.flatMap((cell) =>
		[...cell.matchAll(/`(\w[\w/-]+)`/g)].map(([, name]) => `test/${name}.test.ts`),
	);
	t.true(tests.length > 20);
	t.deepEqual(
		tests.filter((file) => !existsSync(file)),
		[],
	);
});
