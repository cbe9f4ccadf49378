"""Requests of legal weight in five languages, and texts that only sound like them."""

import pytest

from policy.escalation import regulatory_reason
from tests.policy.examples import shipped_desk, situation

ASKED = {
    "deletion": [
        "Please delete all my personal data.",
        "Could you erase everything you hold about me?",
        "I would like my data to be deleted from your servers, thank you.",
        "Under the GDPR I ask for the erasure of my personal information",
        "I want to use my right to be forgotten.",
        "Kindly wipe any information about me, and by the way the invoice is fine.",
        "Delete my account and all data with it",
        "Bitte löschen Sie alle meine personenbezogenen Daten.",
        "Ich möchte, dass meine Daten vollständig gelöscht werden",
        "Hiermit beantrage ich die Löschung meiner Daten gemäß Art. 17 DSGVO.",
        "bitte loeschen sie mein konto und alles ueber mich",
        "Ich mache von meinem Recht auf Vergessenwerden Gebrauch.",
        "Merci de supprimer toutes mes données personnelles.",
        "Je souhaite que mes données soient effacées.",
        "J'exerce mon droit à l'oubli",
        "Je demande la suppression de mon compte et de mes données",
        "Por favor, eliminen todos mis datos personales.",
        "Quiero que borren mis datos de sus sistemas",
        "Solicito la supresión de mis datos conforme al RGPD",
        "Ejerzo mi derecho al olvido",
        "Por favor apaguem todos os meus dados pessoais.",
        "Quero que os meus dados sejam eliminados",
        "Solicito a exclusão dos meus dados conforme a LGPD",
        "Invoco o direito ao esquecimento",
    ],
    "access": [
        "Please send me a copy of all data you hold about me.",
        "What personal information do you store about me?",
        "This is a subject access request.",
        "I request access to my personal data",
        "Bitte teilen Sie mir mit, welche Daten Sie über mich gespeichert haben.",
        "Ich bitte um Auskunft über meine gespeicherten Daten.",
        "Auskunftsersuchen nach Art. 15 DSGVO",
        "Quelles données avez-vous sur moi ?",
        "J'exerce mon droit d'accès.",
        "Je voudrais une copie de toutes mes données",
        "¿Qué datos tienen sobre mí?",
        "Ejerzo mi derecho de acceso según el artículo 15",
        "Quiero una copia de todos mis datos personales",
        "Que dados vocês têm sobre mim?",
        "Peço acesso aos meus dados pessoais",
        "Quero uma cópia dos meus dados",
    ],
    "legal": [
        "If this is not solved by Friday we will take legal action.",
        "You will hear from our lawyers.",
        "I am going to sue you for damages.",
        "My attorney will contact you about this breach of contract",
        "We will report you to the data protection authority.",
        "Sonst leiten wir rechtliche Schritte ein.",
        "Ich werde meinen Anwalt einschalten.",
        "Wir sehen uns vor Gericht",
        "Wir melden das der Aufsichtsbehörde.",
        "Nous allons engager des poursuites judiciaires.",
        "Mon avocat va vous contacter.",
        "Ceci est une mise en demeure",
        "Tomaremos acciones legales contra ustedes.",
        "Mi abogado se pondrá en contacto con ustedes",
        "Voy a poner una denuncia",
        "Vamos tomar medidas legais.",
        "O meu advogado vai contactar vocês",
        "Vou abrir uma queixa no Procon",
    ],
    "accessibility": [
        "The form cannot be used with a screen reader.",
        "One of our colleagues is blind and cannot open the menu.",
        "Does your product meet WCAG 2.2?",
        "NVDA does not read the buttons",
        "I am color blind and the chart colours look the same",
        "Unsere Kollegin ist blind und der Screenreader liest die Tabelle nicht vor.",
        "Die Seite ist nicht barrierefrei.",
        "Man kann es nicht nur mit der Tastatur bedienen",
        "Le lecteur d'écran ne lit pas les boutons.",
        "Je suis malvoyant et le contraste est trop faible",
        "El lector de pantalla no lee el menú.",
        "Una compañera ciega no puede usar el formulario",
        "O leitor de tela não lê os botões.",
        "Sou deficiente visual e não consigo usar o painel",
    ],
    "security": [
        "I found a vulnerability in your login page.",
        "There is an XSS in the comment field",
        "I can see another customer's invoices in my list.",
        "We believe our account was hacked",
        "I would like to report a security issue under responsible disclosure",
        "Ich habe eine Sicherheitslücke gefunden.",
        "Ich sehe Rechnungen anderer Kunden",
        "Unser Konto wurde gehackt",
        "J'ai trouvé une faille de sécurité.",
        "Je vois les factures d'un autre client",
        "He encontrado un fallo de seguridad.",
        "Nuestra cuenta fue hackeada",
        "Encontrei uma falha de segurança.",
        "Vejo faturas de outro cliente",
    ],
}
ONLY_SOUNDS_ALIKE = [
    "Please do not delete my data, I only want to pause the subscription.",
    "How do I delete a data source from the dashboard?",
    "Can I remove the data set from this report?",
    "All our records were deleted by the import, please restore them!",
    "I accidentally deleted a widget.",
    "How do I get access to the billing page?",
    "Can you give Tom access to our workspace?",
    "Please send a copy of the invoice to our legal department",
    "Where is the legal notice in the footer?",
    "We are a law firm and need ten more seats.",
    "Can Sue get a seat in our team?",
    "The court in Hamburg is one of our customers",
    "Our dashboard is not accessible from the office network.",
    "The save button is disabled, why?",
    "Please send it as a blind copy to me",
    "Where are the security settings?",
    "My security code does not arrive",
    "Please reset my password.",
    "Remove my payment details, the card has expired",
    "The contrast between plans is unclear to me",
    "Bitte löschen Sie meine Daten nicht!",
    "Wie lösche ich einen Datensatz aus der Tabelle?",
    "Unsere Daten wurden versehentlich gelöscht, bitte wiederherstellen.",
    "Ich bekomme keinen Zugriff auf das Dashboard",
    "Wie füge ich einen Nutzer hinzu?",
    "Das Gericht Hamburg ist unser Kunde und braucht zehn Lizenzen",
    "Wo sind die Sicherheitseinstellungen?",
    "Der Knopf ist ausgegraut",
    "Ne supprimez pas mes données !",
    "Comment supprimer les données du tableau de bord ?",
    "Nos données ont été supprimées par erreur.",
    "Je n'ai pas accès au tableau de bord",
    "Où sont les mentions légales ?",
    "Où sont les paramètres de sécurité ?",
    "No quiero eliminar mis datos.",
    "¿Cómo borro los datos del informe?",
    "Se borraron nuestros datos por error",
    "No tengo acceso al panel",
    "¿Dónde está el aviso legal?",
    "Não quero apagar os meus dados.",
    "Como apago os dados do relatório?",
    "Os nossos dados foram apagados por engano",
    "Não tenho acesso ao painel",
    "Onde estão as definições de segurança?",
]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in ASKED.items() for text in texts])
def test_a_request_of_legal_weight_is_never_missed(kind: str, text: str) -> None:
    reason = regulatory_reason(shipped_desk(), situation(body=text))
    assert reason is not None
    assert reason.startswith(f"the text {shipped_desk().phrases.regulatory[kind].about}")


@pytest.mark.parametrize("text", ONLY_SOUNDS_ALIKE)
def test_a_near_miss_is_left_alone(text: str) -> None:
    assert regulatory_reason(shipped_desk(), situation(body=text)) is None


def test_the_subject_line_is_enough() -> None:
    assert regulatory_reason(shipped_desk(), situation(subject="Subject access request", body="")) is not None


def test_an_intent_of_legal_weight_is_enough_even_when_hardly_probable() -> None:
    asked = situation(intent="data_access_request", intent_probability=0.31, body="Hello")
    assert "has legal weight" in (regulatory_reason(shipped_desk(), asked) or "")
    doubtful = situation(intent="data_access_request", intent_probability=0.29, body="Hello")
    assert regulatory_reason(shipped_desk(), doubtful) is None
