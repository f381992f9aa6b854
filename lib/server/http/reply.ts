import type { ArchiveError } from '../../errors.js';
import type { BodyStop } from '../faults/body-stops.js';
import { type AppliedFault, throttleErrors } from '../faults/fault-rule.js';
import type { BodyPart } from '../store/body-part.js';
import type { StoredFragment } from '../store/stored-fragment.js';
import type { ServiceError } from '../wire/service-error.js';
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
	/** What there is in place of a fragment that cannot be read; null where the response breaks off. */
	readonly replaceDamaged: ((fragment: StoredFragment, error: ArchiveError) => Uint8Array) | null;
	/** A body of unknown length in place of the parts; null where there is none. */
	readonly stream: AsyncIterable<Uint8Array> | null;
	readonly stops: readonly BodyStop[];
	/** Whether the body is media, which the service sends without its length. */
	readonly isMedia: boolean;
	/** Fragments listed or sent. */
	readonly fragments: number;
	readonly faults: readonly AppliedFault[];
}

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

/** The reply of a session's resource: bytes as they are, which no fault rule changes. */
export function resourceReply(
	contentType: string,
	slices: readonly Uint8Array[],
	headers: Readonly<Record<string, string>>,
): Reply {
	const parts = slices.map((bytes) => ({ kind: 'bytes' as const, bytes }));
	return { ...jsonReply(null), contentType, headers, parts };
}

/** The reply of a JSON body with status 200. Callers replace the fields that differ. */
export function jsonReply(json: WireValue): Reply {
	return {
		closing: null,
		silenceMs: 0,
		error: null,
		contentType: 'application/json',
		headers: {},
		parts: [{ kind: 'bytes', bytes: Buffer.from(wireJson(json)) }],
		replaceDamaged: null,
		stream: null,
		stops: [],
		isMedia: false,
		fragments: 0,
		faults: [],
	};
}
