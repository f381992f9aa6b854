import type { IncomingMessage } from 'node:http';
import type { SignatureVerifier } from '../signature/signature-verifier.js';
import { isPresigned, parseTarget } from '../wire/request-target.js';
import { invalidArgument } from '../wire/service-error.js';
import type { Expectation } from './expectation.js';
import type { IncomingBody } from './incoming-body.js';
import { membersOfQuery } from './query-members.js';
import { parseJsonBody, readBody } from './request-body.js';

/** What {@link readMembers} needs. */
export interface MembersOptions {
	readonly incomingBody: IncomingBody;
	/** What the client waits for before it sends the body. */
	readonly expectation: Expectation;
	readonly verifier: SignatureVerifier | null;
	/** How long the body may take to arrive, in milliseconds. */
	readonly bodyTimeoutMs: number;
}

/**
 * The members of a request for an operation: its JSON body, and the query of a presigned one. With a verifier nothing is
 * read of a request by an unknown key, and nothing parsed that is not signed correctly. Throws `ServiceError`.
 */
export async function readMembers(
	request: IncomingMessage,
	{ incomingBody, expectation, verifier, bodyTimeoutMs }: MembersOptions,
): Promise<object> {
	const { method = '', url = '', headers } = request;
	const target = parseTarget(url);
	const claim = verifier?.admit(target, headers);
	await expectation.fulfil();
	const body = await readBody(incomingBody, bodyTimeoutMs);
	if (claim !== undefined) await verifier?.verify(claim, { method, target, headers, body });
	const members = parseJsonBody(body);
	if (!isPresigned(target)) return members;
	const inQuery = membersOfQuery(target);
	const twice = Object.keys(inQuery).find((name) => Object.hasOwn(members, name));
	if (twice !== undefined) throw invalidArgument(`expected \`${twice}\` in the query or in the body`);
	return { ...inQuery, ...members };
}

/** Verifies a request whose body is read as it comes and is not covered by its signature. Rejects with `ServiceError`. */
export async function verifyHeaders(
	request: IncomingMessage,
	verifier: SignatureVerifier | null,
): Promise<void> {
	const { method = '', url = '', headers } = request;
	const target = parseTarget(url);
	const claim = verifier?.admit(target, headers);
	if (claim !== undefined) await verifier?.verify(claim, { method, target, headers, body: null });
}
