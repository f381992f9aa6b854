import { operationsOf } from './check-fault-rules.js';
import type { AppliedFault, FaultRule } from './fault-rule.js';
import { SeededRandom } from './seeded-random.js';

/** What of a request the rules look at. */
export interface FaultedRequest {
	/** The service's name of the operation. */
	readonly operation: string;
	readonly stream: string | null;
	/** The fragments that a GetMediaForFragmentList names. */
	readonly fragmentNumbers: readonly string[];
}

/** A rule of a running server: the requests it has counted so far, and its own random numbers. */
export class ActiveFaultRule<Rule extends FaultRule = FaultRule> {
	readonly rule: Rule;
	/** Its entry in the call log where it was applied. */
	readonly applied: AppliedFault;
	readonly random: SeededRandom;
	readonly #operations: readonly string[];
	#matches = 0;
	#fired = 0;
	/** How often each fragment was requested or listed. */
	readonly #seen = new Map<string, number>();

	/** `index`: position of the rule in its list. */
	constructor(rule: Rule, index: number, seed: number) {
		this.rule = rule;
		this.applied = { rule: index, fault: rule.fault };
		this.random = new SeededRandom(`${seed}/${index}/${rule.seed ?? 0}`);
		this.#operations = operationsOf(rule);
	}

	/** Whether the rule fires for this request, which it counts. */
	fires({ operation, stream, fragmentNumbers }: FaultedRequest): boolean {
		const { rule } = this;
		if (!this.#operations.includes(operation)) return false;
		if (rule.stream !== undefined && rule.stream !== stream) return false;
		const isOfFragment = rule.fragmentNumber !== undefined && rule.fault !== 'late-listing';
		if (isOfFragment && !fragmentNumbers.includes(rule.fragmentNumber)) return false;

		this.#matches++;
		if (rule.nth !== undefined && this.#matches !== rule.nth) return false;
		if (rule.every !== undefined && this.#matches % rule.every !== 0) return false;
		if (rule.times !== undefined && this.#fired >= rule.times) return false;
		if (rule.probability !== undefined && this.random.next() >= rule.probability) return false;
		this.#fired++;
		return true;
	}

	/** How often this fragment was counted before; counts it once more. */
	countOf(fragmentNumber: string): number {
		const seen = this.#seen.get(fragmentNumber) ?? 0;
		this.#seen.set(fragmentNumber, seen + 1);
		return seen;
	}

	/** Whether a fragment is among the `share` that the rule is about, by a random number that depends on its fragment number alone. */
	isAbout(fragmentNumber: string, share = 1): boolean {
		const only = this.rule.fragmentNumber;
		if (only !== undefined) return only === fragmentNumber;
		return share >= 1 || this.random.of(fragmentNumber) < share;
	}
}

/** The rules of a kind among those that fired. */
export function rulesOf<Name extends FaultRule['fault']>(
	fired: readonly ActiveFaultRule[],
	...names: readonly Name[]
): ActiveFaultRule<Extract<FaultRule, { fault: Name }>>[] {
	return fired.filter(({ rule }) => (names as readonly string[]).includes(rule.fault)) as ActiveFaultRule<
		Extract<FaultRule, { fault: Name }>
	>[];
}
