import type { IncomingMessage } from 'node:http';
import { isOfForeignPage } from '../../loopback/foreign-page.js';
import type { ActiveFaultRule } from '../faults/active-fault-rule.js';
import { readMembers, verifyHeaders } from '../http/request-members.js';
import type { Route, RouteContext, RouteCost, RoutedRequest, ValidRequest } from '../http/router.js';
import type { SignatureVerifier } from '../signature/signature-verifier.js';
import { RequestFields } from '../wire/request-fields.js';
import { isPresigned, parseTarget } from '../wire/request-target.js';
import { foreignPage, unknownOperation } from '../wire/service-error.js';
import { faultedReply } from './faulted-reply.js';
import type { Operation, OperationContext, OperationResult } from './operation.js';

/** Operations that change nothing: another page may have them sent, as it cannot read what they give. */
const READS = /^(?:Get|List|Describe)/;

/** What an {@link OperationRoute} needs. */
export interface OperationRouteOptions {
	readonly operations: readonly Operation[];
	/** What operations may use, besides what a request's arrival says. */
	readonly shared: Omit<OperationContext, 'origin' | 'nowMs' | 'signal'>;
	readonly verifier: SignatureVerifier | null;
	readonly rules: readonly ActiveFaultRule[];
	/** The archive's clock, epoch milliseconds. */
	readonly now: () => number;
	/** How long the JSON body of a request may take to arrive, in milliseconds. */
	readonly bodyTimeoutMs: number;
}

/** The route of the API's operations; owns every target, and refuses those that no operation has. */
export class OperationRoute implements Route {
	readonly errorHeaders = {};
	readonly #operations: ReadonlyMap<string, Operation>;
	readonly #options: OperationRouteOptions;

	constructor(options: OperationRouteOptions) {
		this.#options = options;
		this.#operations = new Map(options.operations.map((operation) => [operation.path, operation]));
	}

	/** As {@link Route} says. */
	owns(): boolean {
		return true;
	}

	/** As {@link Route} says. */
	route(request: IncomingMessage): RoutedRequest {
		const { method = '', url = '' } = request;
		const target = parseTarget(url);
		// A presigned request may be a link as well.
		const isCall = method === 'POST' || (method === 'GET' && isPresigned(target));
		const operation = isCall ? this.#operations.get(target.path) : undefined;
		if (operation === undefined) throw unknownOperation(method, target.path);
		const isUnsigned = this.#options.verifier === null;
		if (isUnsigned && !READS.test(operation.name) && isOfForeignPage(request.headers)) {
			throw foreignPage(operation.name);
		}
		return { name: operation.name, validate: (context) => this.#validate(operation, request, context) };
	}

	async #validate(
		operation: Operation,
		request: IncomingMessage,
		{ origin, incomingBody, expectation, signal, onStream }: RouteContext,
	): Promise<ValidRequest> {
		const { shared, verifier, rules, now, bodyTimeoutMs } = this.#options;
		let stream: string | null = null;
		const noteStream = (name: string | null): void => {
			stream = name;
			onStream(name);
		};
		let result: OperationResult;
		if ('respond' in operation) {
			const members = await readMembers(request, { incomingBody, expectation, verifier, bodyTimeoutMs });
			noteStream(streamNamedIn(members));
			await shared.archive.ready;
			result = operation.respond(new RequestFields(members), { ...shared, origin, nowMs: now(), signal });
		} else {
			await verifyHeaders(request, verifier);
			await shared.archive.ready;
			const context = { ...shared, origin, nowMs: now(), signal, onStream: noteStream };
			result = operation.stream(request.headers, incomingBody, context);
		}
		return {
			cost: costOf(result),
			reply: async () => {
				const fragmentNumbers = result.kind === 'media' ? result.fragments.map(({ number }) => number) : [];
				const faulted = { operation: operation.name, stream, fragmentNumbers };
				const fired = rules.filter((rule) => rule.fires(faulted));
				return faultedReply(result, fired, now);
			},
		};
	}
}

function costOf(result: OperationResult): RouteCost {
	if (result.kind === 'action' && result.cost !== undefined) return result.cost;
	return {
		fragmentsAsked: result.kind === 'media' ? result.fragments.length : 0,
		metadataPoints: result.kind === 'listing' ? result.metadataPoints : 0,
	};
}

/** For the call log only, so it is not validated. */
function streamNamedIn(members: { StreamName?: unknown; StreamARN?: unknown }): string | null {
	if (typeof members.StreamName === 'string') return members.StreamName;
	return typeof members.StreamARN === 'string' ? (members.StreamARN.split('/')[1] ?? null) : null;
}
