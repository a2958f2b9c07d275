// The orchestrator's version, as its status and its OpenAPI document state it.

export const ORCHESTRATOR_VERSION = '0.1.0';
