import { readFile } from 'node:fs/promises';
import test from 'ava';
import { compareRecords, differenceTable } from './compare-records.js';
import { guesses, unsettled } from './guesses.js';
import type { NormalisedResponse } from './normalise/normalised-response.js';
import { allProbes } from './probes/all-probes.js';
import { type ConformanceRecord, readRecord, recordOf, recordText } from './record.js';

const success: NormalisedResponse = {
	status: 200,
	headers: { 'content-type': 'application/json' },
	error: null,
	message: null,
	errorMembers: null,
	body: { Fragments: { '6 of': 'x' }, NextToken: null },
	notes: { order: ['{fragment:1}'] },
};
const failure: NormalisedResponse = {
	...success,
	status: 400,
	error: 'InvalidArgumentException',
	message: 'expected something else',
	errorMembers: ['__type', 'Message'],
	body: null,
};

function record(response: NormalisedResponse): ConformanceRecord {
	const request = { to: 'LIST_FRAGMENTS', path: '/listFragments', body: {} } as const;
	return recordOf('a local archive', [
		{ name: 'selector-missing', guess: 10, steps: [{ request, response }] },
	]);
}

test('archives that behave the same have no differences, whatever the notes say', (t) => {
	const differences = compareRecords(record(success), record({ ...success, notes: { order: [] } }));
	t.deepEqual(differences, []);
	t.is(differenceTable(differences, 1), 'no differences in 1 probes\n');
	t.deepEqual(readRecord(recordText(record(success))), record(success));
	t.throws(() => readRecord('{}\n'), { message: /^expected a record/ });
});

test('a difference is counted under its guess, the form of errors, the headers or the wording', (t) => {
	const found = (expected: NormalisedResponse, got: NormalisedResponse) =>
		compareRecords(record(expected), record(got)).map(({ guess, path, isWording }) => [
			guess,
			path,
			isWording,
		]);
	t.deepEqual(found(success, { ...success, body: { Fragments: [], NextToken: null } }), [
		[10, 'body.Fragments', false],
	]);
	t.deepEqual(found(success, { ...success, headers: {} }), [[6, 'headers.content-type', false]]);
	t.deepEqual(found(failure, { ...failure, headers: {}, errorMembers: ['message'] }), [
		[5, 'members of the error', false],
		[5, 'headers.content-type', false],
	]);
	t.deepEqual(found(failure, { ...failure, message: 'Missing member' }), [[10, 'message', true]]);
	t.deepEqual(found(failure, { ...failure, error: 'ValidationException' }), [[10, 'error', false]]);
	t.deepEqual(found(failure, success), [
		[10, 'status', false],
		[10, 'error', false],
		[10, 'message', true],
		[10, 'body', false],
	]);
	const table = differenceTable(compareRecords(record(failure), record(success)), 1);
	t.regex(table, /^guess 10: ListFragments without a selector.*\n {2}selector-missing, request 1, status\n/);
	t.regex(table, /3 differences of behaviour and 1 of wording, in 1 of 1 probes\n$/);
});

test('each guess has a probe, and each probe a guess and a name of its own', (t) => {
	const numbers = guesses.map(({ number }) => number);
	t.deepEqual(
		numbers,
		numbers.map((_, index) => index + 1),
	);
	t.deepEqual(
		[...new Set(allProbes.map(({ guess }) => guess))].toSorted((a, b) => a - b),
		numbers,
	);
	t.is(new Set(allProbes.map(({ name }) => name)).size, allProbes.length);
});

test('the document lists every guess with the names of its probes', async (t) => {
	const text = await readFile('docs/conformance.md', 'utf8');
	const rows = guesses.map(({ number, text: guess }) => {
		const names = allProbes
			.filter((probe) => probe.guess === number)
			.map(({ name, writes }) => `\`${name}\`${writes ? ' (w)' : ''}`);
		return `| ${number} | ${guess.replaceAll('|', '\\|')} | ${names.join(', ')} |`;
	});
	t.deepEqual(
		text.split('\n').filter((line) => /^\| \d+ \|/.test(line)),
		rows,
	);
	t.deepEqual(
		text.split('\n').filter((line) => line.startsWith('- [ ] ')),
		unsettled.map((what) => `- [ ] ${what}`),
	);
});

test('the record of the local archive has exactly the current probes', async (t) => {
	const { probes } = readRecord(await readFile('test/conformance/records/local-archive.jsonl', 'utf8'));
	t.deepEqual(
		probes.map(({ name, guess, writes, steps }) => ({
			name,
			guess,
			...(writes && { writes }),
			steps: steps.map(({ request }) => request),
		})),
		JSON.parse(JSON.stringify(allProbes)),
	);
	t.deepEqual(
		probes.flatMap(({ name, steps }) => steps.filter(({ response }) => response === null).map(() => name)),
		[],
	);
});
