import type { ListingResult } from '../operations/operation.js';
import type { StoredFragment } from '../store/stored-fragment.js';
import { type ArmedRule, rulesOf } from './armed-rule.js';
import type { AppliedFault, RuleOf } from './fault-rule.js';

/** A page of a listing after the rules that fired are applied, and which of them changed it. */
export interface FaultedListing {
	readonly fragments: readonly StoredFragment[];
	readonly nextToken: string | null;
	readonly applied: readonly AppliedFault[];
}

/** Applies the rules about listings. `nowMs` is the archive's clock, epoch milliseconds. */
export function faultListing(
	result: ListingResult,
	fired: readonly ArmedRule[],
	nowMs: number,
): FaultedListing {
	const [emptied] = rulesOf(fired, 'empty-page');
	if (emptied !== undefined) {
		return { fragments: [], nextToken: result.ownToken(), applied: [emptied.applied] };
	}
	const applied: AppliedFault[] = [];
	let { fragments } = result;
	for (const armed of rulesOf(fired, 'late-listing')) {
		const listed = fragments.filter((fragment) => isListed(fragment, armed, nowMs));
		if (listed.length < fragments.length) applied.push(armed.applied);
		fragments = listed;
	}
	return { fragments, nextToken: result.nextToken, applied };
}

function isListed(
	{ number, serverMs }: StoredFragment,
	armed: ArmedRule<RuleOf<'late-listing'>>,
	nowMs: number,
): boolean {
	const { rule } = armed;
	if (!armed.isAbout(number, rule.share)) return true;
	return 'delayMs' in rule ? serverMs + rule.delayMs <= nowMs : armed.countOf(number) + 1 >= rule.fromListing;
}
