import { type ActiveFaultRule, rulesOf } from '../faults/active-fault-rule.js';
import { bodyStops, streamStops } from '../faults/body-stops.js';
import type { RuleOf } from '../faults/fault-rule.js';
import { faultListing } from '../faults/listing-faults.js';
import { arrangeMedia } from '../faults/media-faults.js';
import { errorReply, jsonReply, type Reply, resourceReply } from '../http/reply.js';
import { clientLimitExceeded, ServiceError } from '../wire/service-error.js';
import { listingJson } from './listing-json.js';
import type { OperationResult } from './operation.js';

/** A result that is ready to be sent. */
type SettledResult = Exclude<OperationResult, { kind: 'action' }>;

/** The faults that refuse a request; the first that fires is applied. */
const refusals = ['throttle', 'server-error', 'reset', 'hang-up'] as const;

/** A port on which connections are refused: 1 belongs to tcpmux (RFC 1078), which is not in use. */
const DEAD_ENDPOINT = 'http://127.0.0.1:1';

/** The reply for a result, after the rules that fired for it. `now` is the archive's clock, epoch milliseconds. */
export async function faultedReply(
	result: OperationResult,
	fired: readonly ActiveFaultRule[],
	now: () => number,
): Promise<Reply> {
	const [refusal] = rulesOf(fired, ...refusals);
	// What is refused is not done.
	if (refusal !== undefined) return refusedReply(refusal);
	const settled = result.kind === 'action' ? await result.act() : result;
	const reply = contentReply(settled, fired, now());
	const [silence] = rulesOf(fired, 'no-response');
	const rest = rulesOf(fired, 'no-response', 'cut', 'stall', 'put-error', 'slow-disk');
	return {
		...reply,
		silenceMs: silence === undefined ? 0 : (silence.rule.ms ?? null),
		stops: settled.kind === 'stream' ? streamStops(fired, 'response') : await bodyStops(reply.parts, fired),
		faults: [...reply.faults, ...rest.map(({ applied }) => applied)].toSorted((a, b) => a.rule - b.rule),
	};
}

function refusedReply({ rule, applied }: ActiveFaultRule<RuleOf<(typeof refusals)[number]>>): Reply {
	if (rule.fault === 'throttle') return errorReply(throttleError(rule.error), [applied]);
	if (rule.fault === 'server-error') return errorReply(serverError(rule.status), [applied]);
	return { ...jsonReply(null), closing: rule.fault, faults: [applied] };
}

function contentReply(result: SettledResult, fired: readonly ActiveFaultRule[], nowMs: number): Reply {
	if (result.kind === 'listing') {
		const listing = faultListing(result, fired, nowMs);
		return {
			...jsonReply(listingJson(listing)),
			fragments: listing.fragments.length,
			faults: listing.applied,
		};
	}
	if (result.kind === 'media') {
		const { parts, applied } = arrangeMedia(result.fragments, fired);
		const fragments = parts.filter(({ kind }) => kind === 'fragment').length;
		return {
			...jsonReply(null),
			contentType: 'video/webm',
			parts,
			replaceDamaged: result.replaceDamaged,
			isMedia: true,
			fragments,
			faults: applied,
		};
	}
	if (result.kind === 'stream') {
		const { contentType, fragments = 0 } = result;
		return { ...jsonReply(null), contentType, parts: [], stream: result.body(fired), fragments };
	}
	if (result.kind === 'bytes') return resourceReply(result.contentType, result.slices, {});
	const [dead] = rulesOf(fired, 'dead-endpoint');
	if (dead === undefined) return jsonReply(result.json);
	return { ...jsonReply({ DataEndpoint: dead.rule.endpoint ?? DEAD_ENDPOINT }), faults: [dead.applied] };
}

function throttleError(name = 'ClientLimitExceededException'): ServiceError {
	if (name === 'ClientLimitExceededException') return clientLimitExceeded('calls (by a fault rule)');
	return new ServiceError(name, 400, 'Rate exceeded, by a fault rule.');
}

function serverError(status: 500 | 503 = 500): ServiceError {
	const name = status === 500 ? 'InternalFailure' : 'ServiceUnavailable';
	return new ServiceError(name, status, 'The request failed by a fault rule.');
}
