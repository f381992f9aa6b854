import { buffer } from 'node:stream/consumers';
import { type BodyPart, readParts, sizeOfParts } from '../store/body-part.js';
import { type ActiveFaultRule, rulesOf } from './active-fault-rule.js';
import { insideElement } from './element-offset.js';
import type { CutPoint, RuleOf } from './fault-rule.js';
import { chosenPart } from './fragment-choice.js';

/** A place in a body where something happens. */
export interface BodyStop {
	/** Bytes of the body before the stop. */
	readonly atByte: number;
	/** The body pauses (`ms` milliseconds, null: for ever), or ends. */
	readonly action:
		| { readonly kind: 'stall'; readonly ms: number | null }
		| { readonly kind: 'abort' | 'clean' };
}

/** Where the body of these parts stops by the rules that fired, in the order of the bytes. */
export async function bodyStops(
	parts: readonly BodyPart[],
	fired: readonly ActiveFaultRule[],
): Promise<readonly BodyStop[]> {
	const stops: BodyStop[] = [];
	for (const active of rulesOf(fired, 'cut', 'stall')) {
		stops.push({ atByte: await stopOffset(parts, active), action: actionOf(active.rule) });
	}
	return stops.toSorted((a, b) => a.atByte - b.atByte);
}

/** Where a body of unknown length stops by the rules that fired: a response, or the request of a PutMedia. */
export function streamStops(
	fired: readonly ActiveFaultRule[],
	body: 'request' | 'response',
): readonly BodyStop[] {
	return rulesOf(fired, 'cut', 'stall')
		.filter(({ rule }) => body === (rule.operation === 'PutMedia' ? (rule.of ?? 'request') : 'response'))
		.map(({ rule }) => ({ atByte: 'atByte' in rule ? rule.atByte : 0, action: actionOf(rule) }))
		.toSorted((a, b) => a.atByte - b.atByte);
}

function actionOf(rule: RuleOf<'cut' | 'stall'>): BodyStop['action'] {
	return rule.fault === 'cut' ? { kind: rule.as ?? 'abort' } : { kind: 'stall', ms: rule.ms ?? null };
}

async function stopOffset(
	parts: readonly BodyPart[],
	active: ActiveFaultRule<RuleOf<'cut' | 'stall'>>,
): Promise<number> {
	const point: CutPoint = active.rule;
	const length = sizeOfParts(parts);
	if ('inside' in point) {
		const index = chosenPart(parts, active, point.fragment ?? 1) ?? 0;
		const before = sizeOfParts(parts.slice(0, index));
		const chunk = await buffer(readParts(parts.slice(index, index + 1)));
		return before + insideElement(chunk, point.inside, point.element ?? 1);
	}
	if ('atFraction' in point) {
		const fraction = point.atFraction === 'random' ? active.random.next() : point.atFraction;
		return Math.floor(length * fraction);
	}
	return Math.min(point.atByte, length);
}
