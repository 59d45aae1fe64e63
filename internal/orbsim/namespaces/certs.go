package namespaces

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"time"
)

// authority is the world's certificate authority, made new for each world; its
// key never leaves memory.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority() (authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return authority{}, fmt.Errorf("make the world's CA: %w", err)
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "OrbStack Simulator Root CA"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return authority{}, fmt.Errorf("make the world's CA: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return authority{}, fmt.Errorf("make the world's CA: %w", err)
	}
	return authority{cert: cert, key: key}, nil
}

func (a authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// serverCertificate is for a machine's name, what is below it, its addresses
// and localhost. kind is "good", "expired" (since yesterday) or "bad"
// (self-signed), which is also what "" means.
func (a authority) serverCertificate(kind, machine string, addresses ...netip.Addr) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make the certificate of %s: %w", machine, err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make the certificate of %s: %w", machine, err)
	}
	host := machine + ".orb.local"
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: host}, DNSNames: []string{host, "*." + host, "localhost"},
		NotBefore: time.Now().AddDate(0, -1, 0), NotAfter: time.Now().AddDate(0, 6, 0), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, ip := range addresses {
		if ip.IsValid() {
			t.IPAddresses = append(t.IPAddresses, net.IP(ip.AsSlice()))
		}
	}
	parent, signer := a.cert, a.key
	switch kind {
	case "good":
	case "expired":
		t.NotAfter = time.Now().Add(-24 * time.Hour)
	case "bad", "":
		parent, signer = t, key
	default:
		return tls.Certificate{}, fmt.Errorf("certificate of %s: %q is none of good, bad, expired", machine, kind)
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), signer)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make the certificate of %s: %w", machine, err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
