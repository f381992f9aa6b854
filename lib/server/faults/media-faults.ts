import { IN_BAND_NAMES } from '../../model/failure-name.js';
import type { BodyPart } from '../store/body-part.js';
import type { StoredFragment } from '../store/stored-fragment.js';
import { type ActiveFaultRule, rulesOf } from './active-fault-rule.js';
import { exceptionChunk } from './exception-chunk.js';
import type { AppliedFault, ExceptionShape, RuleOf } from './fault-rule.js';
import { chosenPart } from './fragment-choice.js';
import type { SeededRandom } from './seeded-random.js';

const NOT_READY_CODE = 3000;

/** What a media response sends after the rules that fired are applied, and which of them changed it. */
export interface ArrangedMedia {
	readonly parts: readonly BodyPart[];
	readonly applied: readonly AppliedFault[];
}

/** Applies the rules that change which fragments a response has, and in which order; in the order of the rules. */
export function arrangeMedia(
	fragments: readonly StoredFragment[],
	fired: readonly ActiveFaultRule[],
): ArrangedMedia {
	const applied: AppliedFault[] = [];
	let parts: readonly BodyPart[] = fragments.map((fragment) => ({ kind: 'fragment', fragment }));
	for (const active of rulesOf(fired, 'not-ready', 'exception', 'duplicate', 'shuffle', 'leave-out')) {
		const next = arranged(parts, active);
		if (next === parts) continue;
		parts = next;
		applied.push(active.applied);
	}
	return { parts, applied };
}

/** `parts` itself where the rule finds nothing to change. */
function arranged(
	parts: readonly BodyPart[],
	active: ActiveFaultRule<RuleOf<'not-ready' | 'exception' | 'duplicate' | 'shuffle' | 'leave-out'>>,
): readonly BodyPart[] {
	const { rule, random } = active;
	if (rule.fault === 'shuffle') return shuffled(parts, random);
	if (rule.fault === 'not-ready') return withNotReady(parts, active, rule);

	const index = chosenPart(parts, active, rule.fragment ?? (rule.fault === 'leave-out' ? 'last' : 1));
	const part = index === null ? undefined : parts[index];
	if (index === null || part?.kind !== 'fragment') return parts;
	if (rule.fault === 'leave-out') return parts.toSpliced(index, rule.count ?? 1);
	if (rule.fault === 'duplicate') {
		return parts.toSpliced(rule.again === 'last' ? parts.length : index + 1, 0, part);
	}
	const {
		code,
		name = IN_BAND_NAMES[code] ?? 'UNKNOWN_ERROR',
		isNumbered = true,
		spelling = 'get-media',
	} = rule;
	const fragmentNumber = isNumbered ? part.fragment.number : null;
	const bytes = exceptionChunk({ code, name, fragmentNumber, spelling });
	return [
		...parts.slice(0, index),
		{ kind: 'bytes', bytes },
		...(rule.goesOn === true ? parts.slice(index + 1) : []),
	];
}

function withNotReady(
	parts: readonly BodyPart[],
	active: ActiveFaultRule,
	{
		requests = 1,
		share,
		spelling = 'get-media',
		goesOn = false,
	}: ExceptionShape & { requests?: number; share?: number },
): readonly BodyPart[] {
	// Every requested fragment counts as requested, also after the exception that ends the response.
	const isReady = parts.map(
		(part) =>
			part.kind !== 'fragment' ||
			!active.isAbout(part.fragment.number, share) ||
			active.countOf(part.fragment.number) >= requests,
	);
	if (!isReady.includes(false)) return parts;
	const result: BodyPart[] = [];
	for (const [index, part] of parts.entries()) {
		if (isReady[index] || part.kind !== 'fragment') {
			result.push(part);
			continue;
		}
		const bytes = exceptionChunk({
			code: NOT_READY_CODE,
			name: IN_BAND_NAMES[NOT_READY_CODE] as string,
			fragmentNumber: part.fragment.number,
			spelling,
		});
		result.push({ kind: 'bytes', bytes });
		if (!goesOn) break;
	}
	return result;
}

/** Fisher–Yates shuffle; one that changed nothing is rotated by one, as the rule promises another order. */
function shuffled(parts: readonly BodyPart[], random: SeededRandom): readonly BodyPart[] {
	if (parts.length < 2) return parts;
	const result = [...parts];
	for (let index = result.length - 1; index > 0; index--) {
		const other = random.nextInteger(index + 1);
		[result[index], result[other]] = [result[other] as BodyPart, result[index] as BodyPart];
	}
	if (result.every((part, index) => part === parts[index])) result.push(result.shift() as BodyPart);
	return result;
}
