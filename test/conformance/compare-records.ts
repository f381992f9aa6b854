import { guesses } from './guesses.js';
import type { Normalised, NormalisedResponse } from './normalise/normalised-response.js';
import type { ConformanceRecord, RecordedStep } from './record.js';

/** Something in which two archives differ. */
export interface Difference {
	readonly guess: number;
	readonly probe: string;
	/** Of the probe, from 1. */
	readonly step: number;
	/** Which part of the response: `status`, `body.Fragments`. */
	readonly path: string;
	/** Values as JSON; `nothing` for what is not there. */
	readonly expected: string;
	readonly got: string;
	/** Whether it is only an error's text. */
	readonly isWording: boolean;
}

/** The guesses that every response is about, besides the probe's own: a difference there is counted there. */
const ERROR_FORM = 5;
const SUCCESS_HEADERS = 6;

const NOTHING = 'nothing';

/** In what two records of the same probes differ. Probes that only one of them has are left out, as are notes. */
export function compareRecords(expected: ConformanceRecord, got: ConformanceRecord): Difference[] {
	const differences: Difference[] = [];
	for (const { name, guess, steps } of expected.probes) {
		const other = got.probes.find((probe) => probe.name === name);
		if (other === undefined) continue;
		for (const [index, step] of steps.entries()) {
			for (const { path, values, about, isWording } of compareSteps(step, other.steps[index])) {
				const [first, second] = values.map((value) =>
					value === undefined ? NOTHING : JSON.stringify(value),
				);
				if (first === second) continue;
				differences.push({
					guess: about ?? guess,
					probe: name,
					step: index + 1,
					path,
					expected: first as string,
					got: second as string,
					isWording,
				});
			}
		}
	}
	return differences;
}

/** Names of the probes that only one of two records has. */
export function unmatchedProbes(expected: ConformanceRecord, got: ConformanceRecord): string[] {
	const names = [expected, got].map(({ probes }) => probes.map(({ name }) => name));
	const [first = [], second = []] = names;
	return [
		...first.filter((name) => !second.includes(name)),
		...second.filter((name) => !first.includes(name)),
	];
}

interface Pair {
	readonly path: string;
	readonly values: readonly [Normalised | undefined, Normalised | undefined];
	readonly about: number | null;
	readonly isWording: boolean;
}

function* compareSteps(expected: RecordedStep, got: RecordedStep | undefined): Generator<Pair> {
	const first = expected.response;
	const second = got?.response ?? null;
	if (first === null || second === null) {
		yield pair('response', [sent(first), sent(second)]);
		return;
	}
	yield pair('status', [first.status, second.status]);
	yield pair('error', [first.error, second.error]);
	yield { ...pair('message', [first.message, second.message]), isWording: true };
	yield* compareValues('body', [first.body, second.body]);
	const isError = first.error !== null && second.error !== null;
	if (isError) {
		yield {
			...pair('members of the error', [first.errorMembers ?? [], second.errorMembers ?? []]),
			about: ERROR_FORM,
		};
	}
	// Of responses that differ in kind, the headers do too.
	if ((first.error === null) !== (second.error === null)) return;
	for (const found of compareValues('headers', [first.headers, second.headers])) {
		yield { ...found, about: isError ? ERROR_FORM : SUCCESS_HEADERS };
	}
}

function sent(response: NormalisedResponse | null): string {
	return response === null ? 'not sent' : 'sent';
}

function pair(path: string, values: Pair['values']): Pair {
	return { path, values, about: null, isWording: false };
}

/** The smallest parts of two values that differ. */
function* compareValues(path: string, values: Pair['values']): Generator<Pair> {
	const [first, second] = values;
	if (isObject(first) && isObject(second)) {
		for (const name of new Set([...Object.keys(first), ...Object.keys(second)])) {
			yield* compareValues(`${path}.${name}`, [first[name], second[name]]);
		}
		return;
	}
	if (Array.isArray(first) && Array.isArray(second) && first.length === second.length) {
		for (const [index, item] of first.entries())
			yield* compareValues(`${path}[${index}]`, [item, second[index]]);
		return;
	}
	yield pair(path, values);
}

function isObject(value: Normalised | undefined): value is { readonly [name: string]: Normalised } {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** How much of a value a table shows. */
const MAX_SHOWN = 160;

/** Differences as a table, guess by guess, ready to be printed. Says that there are none. */
export function differenceTable(differences: readonly Difference[], compared: number): string {
	if (differences.length === 0) return `no differences in ${compared} probes\n`;
	const lines: string[] = [];
	for (const { number, text } of guesses) {
		const own = differences.filter(({ guess }) => guess === number);
		if (own.length === 0) continue;
		lines.push(`guess ${number}: ${text}`);
		for (const { probe, step, path, expected, got, isWording } of own) {
			lines.push(
				`  ${probe}, request ${step}, ${path}${isWording ? ' (wording only)' : ''}`,
				`    expected ${shorten(expected)}`,
				`    got      ${shorten(got)}`,
			);
		}
	}
	const wording = differences.filter(({ isWording }) => isWording).length;
	const probes = new Set(differences.map(({ probe }) => probe)).size;
	lines.push(
		`${differences.length - wording} differences of behaviour and ${wording} of wording, in ${probes} of ${compared} probes`,
	);
	return `${lines.join('\n')}\n`;
}

function shorten(text: string): string {
	return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}
