import { type ArmedRule, rulesOf } from '../faults/armed-rule.js';
import { type BodyStop, bodyStops } from '../faults/body-stops.js';
import { type AppliedFault, throttleErrors } from '../faults/fault-rule.js';
import { faultListing } from '../faults/listing-faults.js';
import { arrangeMedia } from '../faults/media-faults.js';
import { listingJson } from '../operations/listing-json.js';
import type { OperationResult } from '../operations/operation.js';
import type { BodyPart } from '../store/body-part.js';
import { clientLimitExceeded, ServiceError } from '../wire/service-error.js';
import { type WireValue, wireJson } from '../wire/wire-json.js';

/** A response as it is sent, to the byte. */
export interface Reply {
	/** How the connection is closed without a response; null for a response. */
	readonly closing: 'reset' | 'hang-up' | null;
	/** Milliseconds before the response begins, or (null) it never does. */
	readonly silenceMs: number | null;
	/** The error that is sent in place of the result. */
	readonly error: ServiceError | null;
	readonly contentType: string;
	/** Further headers of the response. */
	readonly headers: Readonly<Record<string, string>>;
	readonly parts: readonly BodyPart[];
	/** A body of unknown length in place of the parts; null where there is none. */
	readonly stream: AsyncIterable<Uint8Array> | null;
	readonly stops: readonly BodyStop[];
	/** Whether the body's rate is a quota. */
	readonly isMedia: boolean;
	/** Fragments listed or sent. */
	readonly fragments: number;
	readonly faults: readonly AppliedFault[];
}

/** A result that is ready to be sent. */
type SettledResult = Exclude<OperationResult, { kind: 'action' }>;

/** Every fault that refuses, and the first to fire wins. */
const refusals = ['throttle', 'server-error', 'reset', 'hang-up'] as const;

/** A port on which connections are refused: 1 belongs to a service of 1988. */
const DEAD_ENDPOINT = 'http://127.0.0.1:1';

/** The reply of an error. The name stands in the body too: where a proxy drops the headers, the SDKs find it there. */
export function errorReply(error: ServiceError, faults: readonly AppliedFault[] = []): Reply {
	const { awsName, message } = error;
	return { ...jsonReply({ __type: awsName, Message: message, message }), error, faults };
}

const throttleNames: ReadonlySet<string> = new Set(throttleErrors);

/** Whether an error says that a quota is used up. */
export function isThrottle({ awsName }: ServiceError): boolean {
	return throttleNames.has(awsName);
}

/** The reply of a session's resource: bytes as they are, with nothing done to them. */
export function resourceReply(
	contentType: string,
	slices: readonly Uint8Array[],
	headers: Readonly<Record<string, string>>,
): Reply {
	const parts = slices.map((bytes) => ({ kind: 'bytes' as const, bytes }));
	return { ...jsonReply(null), contentType, headers, parts };
}

/** The reply for a result, after the rules that fired for it. `nowMs` is the archive's clock, epoch milliseconds. */
export async function faultedReply(
	result: SettledResult,
	fired: readonly ArmedRule[],
	nowMs: number,
): Promise<Reply> {
	const [refusal] = rulesOf(fired, ...refusals);
	if (refusal !== undefined) {
		const { rule, applied } = refusal;
		if (rule.fault === 'throttle') return errorReply(throttleError(rule.error), [applied]);
		if (rule.fault === 'server-error') return errorReply(serverError(rule.status), [applied]);
		return { ...jsonReply(null), closing: rule.fault, faults: [applied] };
	}
	const reply = contentReply(result, fired, nowMs);
	const [silence] = rulesOf(fired, 'no-answer');
	const rest = rulesOf(fired, 'no-answer', 'cut', 'stall').map(({ applied }) => applied);
	return {
		...reply,
		silenceMs: silence === undefined ? 0 : (silence.rule.ms ?? null),
		stops: await bodyStops(reply.parts, fired),
		faults: [...reply.faults, ...rest].toSorted((a, b) => a.rule - b.rule),
	};
}

function contentReply(result: SettledResult, fired: readonly ArmedRule[], nowMs: number): Reply {
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
			isMedia: true,
			fragments,
			faults: applied,
		};
	}
	if (result.kind === 'stream') {
		return { ...jsonReply(null), contentType: result.contentType, parts: [], stream: result.body };
	}
	const [dead] = rulesOf(fired, 'dead-endpoint');
	if (dead === undefined) return jsonReply(result.json);
	return { ...jsonReply({ DataEndpoint: dead.rule.endpoint ?? DEAD_ENDPOINT }), faults: [dead.applied] };
}

function jsonReply(json: WireValue): Reply {
	return {
		closing: null,
		silenceMs: 0,
		error: null,
		contentType: 'application/json',
		headers: {},
		parts: [{ kind: 'bytes', bytes: Buffer.from(wireJson(json)) }],
		stream: null,
		stops: [],
		isMedia: false,
		fragments: 0,
		faults: [],
	};
}

function throttleError(name = 'ClientLimitExceededException'): ServiceError {
	if (name === 'ClientLimitExceededException') return clientLimitExceeded('anything, by a fault rule,');
	return new ServiceError(name, 400, 'Rate exceeded, by a fault rule.');
}

function serverError(status: 500 | 503 = 500): ServiceError {
	const name = status === 500 ? 'InternalFailure' : 'ServiceUnavailable';
	return new ServiceError(name, status, 'The request failed by a fault rule.');
}
