// What can happen to an adapter's sessions behind its back, done to the very process that holds them.

import pkcs11js, { type Handle } from 'pkcs11js';

function withToken(
  modulePath: string,
  label: string,
  work: (api: pkcs11js.PKCS11, slot: Handle) => void,
): void {
  // A second handle to the same library: the state behind it is the process's.
  const api = new pkcs11js.PKCS11();
  api.load(modulePath);
  for (const slot of api.C_GetSlotList(true)) {
    if (api.C_GetTokenInfo(slot).label.trim() === label) work(api, slot);
  }
}

export function closeAllSessions(modulePath: string, label: string): void {
  withToken(modulePath, label, (api, slot) => api.C_CloseAllSessions(slot));
}

/** The sessions live on; only the login, and with it every handle to a private object, is gone. */
export function logOut(modulePath: string, label: string): void {
  withToken(modulePath, label, (api, slot) => {
    const session = api.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION);
    api.C_Logout(session);
    api.C_CloseSession(session);
  });
}
